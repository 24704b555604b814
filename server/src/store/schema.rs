//! The one set of tables both databases share: moments are microseconds since 1970, ids 16 octets.

mod of_duties;
mod of_incidents;
mod of_ladders;
mod of_register;

pub(super) use self::of_duties::{complaints, duties};
pub(super) use self::of_incidents::{corrective_actions, precedents, report_proofs};
pub(super) use self::of_ladders::{feed_links, ladder_plans, shifts};
pub(super) use self::of_register::{register, register_facets, register_tallies, register_views};

diesel::table! {
    meta (key) {
        key -> Text,
        value -> Binary,
    }
}

diesel::table! {
    counters (name) {
        name -> Text,
        value -> BigInt,
    }
}

diesel::table! {
    ledger_head (id) {
        id -> SmallInt,
        size -> BigInt,
        last_hash -> Nullable<Binary>,
        frontier -> Binary,
        at -> BigInt,
        turns -> BigInt,
    }
}

diesel::table! {
    ledger (n) {
        n -> BigInt,
        at -> BigInt,
        kind -> Text,
        stream -> Nullable<Binary>,
        subject -> Nullable<Binary>,
        octets -> Text,
    }
}

diesel::table! {
    contents (n) {
        n -> BigInt,
        sealed -> Nullable<Binary>,
    }
}

diesel::table! {
    tree_nodes (level, position) {
        level -> SmallInt,
        position -> BigInt,
        hash -> Binary,
    }
}

diesel::table! {
    checkpoints (size) {
        size -> BigInt,
        root -> Binary,
        note -> Text,
        at -> BigInt,
    }
}

diesel::table! {
    checkpoints_seen (partner_id, size, root) {
        partner_id -> Binary,
        size -> BigInt,
        root -> Binary,
        note -> Text,
        at -> BigInt,
    }
}

diesel::table! {
    incidents (id) {
        id -> Binary,
        reference -> Text,
        kind -> Text,
        stage -> Text,
        exercise -> Bool,
        title -> Binary,
        logged_at -> BigInt,
        aware_circumstances_at -> Nullable<BigInt>,
        aware_breach_at -> Nullable<BigInt>,
        facts_version -> Integer,
        sent_version -> Integer,
        owed -> Integer,
        fan_out_open -> Bool,
        report_state -> Text,
        report_gaps -> Integer,
        opened_from -> Nullable<Binary>,
        closed_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    facts (incident_id, version) {
        incident_id -> Binary,
        version -> Integer,
        sealed -> Binary,
        at -> BigInt,
    }
}

diesel::table! {
    exchanges (id) {
        id -> Binary,
        partner_id -> Binary,
        direction -> Text,
        case_id -> Binary,
        incident_id -> Nullable<Binary>,
        exercise -> Bool,
        kind -> Text,
        reference -> Text,
        standing -> Text,
        revision -> Integer,
        delivered_revision -> Integer,
        message -> Nullable<Binary>,
        told_at -> Nullable<BigInt>,
        told_how -> Nullable<Text>,
        stance -> Nullable<Text>,
        acknowledged_at -> Nullable<BigInt>,
        acknowledged_by -> Nullable<Binary>,
        acknowledged_revision -> Nullable<Integer>,
        withdrawn -> Nullable<Text>,
        opened_at -> BigInt,
        accepted_at -> Nullable<BigInt>,
        filed_at -> Nullable<BigInt>,
        messages -> Integer,
        unread -> Integer,
    }
}

diesel::table! {
    clocks (stream, kind) {
        stream -> Binary,
        kind -> Text,
        incident_id -> Nullable<Binary>,
        exchange_id -> Nullable<Binary>,
        partner_id -> Nullable<Binary>,
        anchor -> Text,
        anchored_at -> BigInt,
        hours -> Integer,
        due_at -> BigInt,
        group_due_at -> BigInt,
        legal_limit_at -> Nullable<BigInt>,
        state -> Text,
        open -> Bool,
        ended_at -> Nullable<BigInt>,
        evidence -> Nullable<Text>,
        proved_late -> Bool,
        reason -> Nullable<Binary>,
        exercise -> Bool,
        own_target -> Bool,
    }
}

diesel::table! {
    ladders (stream, kind, due_at) {
        stream -> Binary,
        kind -> Text,
        due_at -> BigInt,
        incident_id -> Nullable<Binary>,
        anchored_at -> BigInt,
        last_offset -> Nullable<Integer>,
        next_step_at -> Nullable<BigInt>,
        in_hand_by -> Nullable<Binary>,
        in_hand_at -> Nullable<BigInt>,
        fired -> Integer,
        asked -> Nullable<Binary>,
        seen -> Nullable<Binary>,
        instead -> Bool,
    }
}

diesel::table! {
    outbox (id) {
        id -> Binary,
        partner_id -> Binary,
        channel -> Text,
        kind -> Text,
        exchange_id -> Nullable<Binary>,
        revision -> Integer,
        body -> Binary,
        checkpoint_size -> Nullable<BigInt>,
        state -> Text,
        open -> Bool,
        priority -> SmallInt,
        position -> BigInt,
        seq -> Nullable<BigInt>,
        payload_sha256 -> Nullable<Binary>,
        set_sha256 -> Nullable<Binary>,
        set_entry -> Nullable<BigInt>,
        attempts -> Integer,
        failures -> Integer,
        last_outcome -> Nullable<Text>,
        next_attempt_at -> Nullable<BigInt>,
        first_attempt_at -> Nullable<BigInt>,
        last_attempt_at -> Nullable<BigInt>,
        queued_at -> BigInt,
        alerted -> Bool,
        receipted_at -> Nullable<BigInt>,
        receipt_entry -> Nullable<BigInt>,
        same_outcome -> Integer,
        claimed_at -> Nullable<BigInt>,
        reissue_of -> Nullable<Binary>,
    }
}

diesel::table! {
    attempts (message, number) {
        message -> Binary,
        number -> Integer,
        at -> BigInt,
        outcome -> Text,
        status -> Nullable<Integer>,
        took_ms -> Integer,
    }
}

diesel::table! {
    lanes (partner_id, channel) {
        partner_id -> Binary,
        channel -> Text,
        next_seq -> BigInt,
        last_payload -> Nullable<Binary>,
        fail_count -> Integer,
        due_at -> Nullable<BigInt>,
        lease -> Nullable<Binary>,
        lease_until -> Nullable<BigInt>,
        stopped -> Nullable<Text>,
        proven_at -> Nullable<BigInt>,
        heard_at -> Nullable<BigInt>,
        failed_since -> Nullable<BigInt>,
        last_failure -> Nullable<Text>,
        heartbeat_due_at -> Nullable<BigInt>,
        tried_at -> Nullable<BigInt>,
        waits_until -> Nullable<BigInt>,
        skew_seconds -> Nullable<Integer>,
        held_seq -> Nullable<BigInt>,
        held_payload -> Nullable<Binary>,
    }
}

diesel::table! {
    inbox (partner_id, message) {
        partner_id -> Binary,
        message -> Binary,
        event -> Text,
        seq -> Nullable<BigInt>,
        payload_sha256 -> Binary,
        set_entry -> BigInt,
        receipt_entry -> BigInt,
        exchange_id -> Nullable<Binary>,
        received_at -> BigInt,
        receipt_owed -> Bool,
        case_id -> Nullable<Binary>,
    }
}

diesel::table! {
    inbound (partner_id) {
        partner_id -> Binary,
        head_seq -> BigInt,
        head_payload -> Nullable<Binary>,
        missing -> Text,
        gap_since -> Nullable<BigInt>,
    }
}

diesel::table! {
    quarantine (id) {
        id -> Binary,
        partner_id -> Binary,
        at -> BigInt,
        why -> Text,
        sealed -> Binary,
    }
}

diesel::table! {
    partners (id) {
        id -> Binary,
        issuer -> Nullable<Text>,
        state -> Text,
        name -> Binary,
        identity_thumbprint -> Nullable<Text>,
        identity_x -> Nullable<Text>,
        push_url -> Nullable<Text>,
        keys_url -> Nullable<Text>,
        card -> Nullable<Text>,
        manifest_version -> Nullable<BigInt>,
        manifest -> Nullable<Text>,
        manifest_fetched_at -> Nullable<BigInt>,
        exceptions -> Text,
        added_at -> BigInt,
        verified_at -> Nullable<BigInt>,
        wrong_digits -> Integer,
        typed -> Nullable<Binary>,
        later_card -> Nullable<Text>,
        channel -> Text,
    }
}

diesel::table! {
    manifests_by_identity (partner_id, identity, version) {
        partner_id -> Binary,
        identity -> Text,
        version -> BigInt,
        token -> Text,
        taken_at -> BigInt,
    }
}

diesel::table! {
    services (id) {
        id -> Binary,
        position -> Integer,
        name -> Binary,
        current -> Bool,
    }
}

diesel::table! {
    arrangements (id, version) {
        id -> Binary,
        version -> Integer,
        partner_id -> Binary,
        current -> Bool,
        digest -> Binary,
        terms -> Binary,
    }
}

diesel::table! {
    own_keys (kid) {
        kid -> Text,
        purpose -> Text,
        seed -> Binary,
        valid_from -> BigInt,
        valid_until -> BigInt,
        stage -> Text,
    }
}

diesel::table! {
    own_documents (kind, version) {
        kind -> Text,
        version -> BigInt,
        token -> Text,
        at -> BigInt,
    }
}

diesel::table! {
    people (id) {
        id -> Binary,
        email_key -> Binary,
        details -> Binary,
        password_hash -> Text,
        roles -> Text,
        disabled -> Bool,
        failures -> Integer,
        locked_until -> Nullable<BigInt>,
        created_at -> BigInt,
        seen_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    sessions (token_sha256) {
        token_sha256 -> Binary,
        person_id -> Binary,
        csrf -> Binary,
        created_at -> BigInt,
        seen_at -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::table! {
    api_tokens (token_sha256) {
        token_sha256 -> Binary,
        id -> Binary,
        label -> Binary,
        scopes -> Text,
        created_at -> BigInt,
        expires_at -> Nullable<BigInt>,
        person_id -> Nullable<Binary>,
        used_at -> Nullable<BigInt>,
        ended_at -> Nullable<BigInt>,
        made_by -> Nullable<Binary>,
    }
}

diesel::table! {
    forms (id) {
        id -> Binary,
        person_id -> Binary,
        purpose -> Text,
        answer -> Nullable<Text>,
        made_at -> BigInt,
        used_at -> Nullable<BigInt>,
        said_mac -> Nullable<Binary>,
    }
}

diesel::table! {
    drafts (id) {
        id -> Binary,
        person_id -> Binary,
        purpose -> Text,
        content -> Binary,
        updated_at -> BigInt,
    }
}

diesel::table! {
    alerts (id) {
        id -> Binary,
        at -> BigInt,
        kind -> Text,
        partner_id -> Nullable<Binary>,
        exchange_id -> Nullable<Binary>,
        incident_id -> Nullable<Binary>,
        message -> Nullable<Binary>,
        cleared_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    directory (kind, id, version) {
        kind -> Text,
        id -> Binary,
        version -> Integer,
        current -> Bool,
        digest -> Binary,
        content -> Binary,
        at -> BigInt,
    }
}

diesel::table! {
    manifest_offers (partner_id) {
        partner_id -> Binary,
        version -> BigInt,
        taken_version -> Nullable<BigInt>,
        attempts -> Integer,
        next_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    links (token_sha256) {
        token_sha256 -> Binary,
        person_id -> Binary,
        purpose -> Text,
        made_at -> BigInt,
        expires_at -> BigInt,
        used_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    api_answers (token_id, key_sha256) {
        token_id -> Binary,
        key_sha256 -> Binary,
        request_sha256 -> Binary,
        status -> Nullable<Integer>,
        answer -> Nullable<Binary>,
        made_at -> BigInt,
    }
}

diesel::table! {
    endpoints (id) {
        id -> Binary,
        partner_id -> Nullable<Binary>,
        kind -> Text,
        details -> Binary,
        events -> Text,
        paused -> Bool,
        fail_count -> Integer,
        waits_until -> Nullable<BigInt>,
        failed_since -> Nullable<BigInt>,
        made_at -> BigInt,
    }
}

diesel::table! {
    posts (id) {
        id -> Binary,
        endpoint_id -> Nullable<Binary>,
        person_id -> Nullable<Binary>,
        channel -> Text,
        event -> Text,
        body -> Binary,
        incident_id -> Nullable<Binary>,
        exchange_id -> Nullable<Binary>,
        state -> Text,
        open -> Bool,
        queued_at -> BigInt,
        next_attempt_at -> Nullable<BigInt>,
        attempts -> Integer,
        same_outcome -> Integer,
        last_outcome -> Nullable<Text>,
        lease -> Nullable<Binary>,
        lease_until -> Nullable<BigInt>,
        done_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    ack_links (token_sha256) {
        token_sha256 -> Binary,
        message -> Binary,
        exchange_id -> Binary,
        partner_id -> Binary,
        made_at -> BigInt,
        expires_at -> BigInt,
        used_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    poll_tokens (partner_id, jti) {
        partner_id -> Binary,
        jti -> Text,
        seen_at -> BigInt,
    }
}

diesel::table! {
    said (message) {
        message -> Binary,
        exchange_id -> Binary,
        partner_id -> Binary,
        incident_id -> Nullable<Binary>,
        sent -> Bool,
        kind -> Text,
        re -> Nullable<Binary>,
        due_at -> Nullable<BigInt>,
        content -> Binary,
        at -> BigInt,
        read_at -> Nullable<BigInt>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    meta,
    counters,
    ledger_head,
    ledger,
    contents,
    tree_nodes,
    checkpoints,
    checkpoints_seen,
    incidents,
    facts,
    exchanges,
    clocks,
    ladders,
    outbox,
    attempts,
    lanes,
    inbox,
    inbound,
    quarantine,
    partners,
    manifests_by_identity,
    services,
    arrangements,
    own_keys,
    own_documents,
    people,
    sessions,
    api_tokens,
    forms,
    drafts,
    alerts,
    directory,
    manifest_offers,
    links,
    api_answers,
    endpoints,
    posts,
    ack_links,
    poll_tokens,
    said,
);
