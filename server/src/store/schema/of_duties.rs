//! The tables of duties for which the law names no time, and of complaints.

diesel::table! {
    duties (stream, duty) {
        stream -> Binary,
        duty -> Text,
        incident_id -> Nullable<Binary>,
        exchange_id -> Nullable<Binary>,
        partner_id -> Nullable<Binary>,
        anchor -> Text,
        since_at -> BigInt,
        target_at -> Nullable<BigInt>,
        state -> Text,
        open -> Bool,
        ended_at -> Nullable<BigInt>,
        evidence -> Nullable<Text>,
        reason -> Nullable<Binary>,
        exercise -> Bool,
    }
}

diesel::table! {
    complaints (id) {
        id -> Binary,
        reference -> Text,
        received_at -> BigInt,
        channel -> Text,
        category -> Text,
        incident_id -> Nullable<Binary>,
        stage -> Text,
        about -> Binary,
        acknowledge_by -> Nullable<BigInt>,
        acknowledge_limit -> Nullable<BigInt>,
        promised_acknowledgement_by -> Nullable<BigInt>,
        promised_answer_by -> Nullable<BigInt>,
        acknowledged_at -> Nullable<BigInt>,
        answered_at -> Nullable<BigInt>,
        outcome -> Nullable<Text>,
        logged_at -> BigInt,
        next_due_at -> Nullable<BigInt>,
        notes -> Integer,
    }
}
