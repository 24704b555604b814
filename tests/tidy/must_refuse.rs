//! The must-refuse list of the protocol (§22), each line with the test that proves it: a test that is renamed or lost is
//! noticed here.

use std::fs;

use super::none;
use super::sources::files;

/// What must be refused, or is accepted on purpose, and the tests for it.
const LIST: &[(&str, &[&str])] = &[
    ("two, four or five parts", &["two_four_or_five_parts_are_malformed"]),
    ("padding", &["padding_is_malformed"]),
    ("`+` or `/`", &["the_other_base64_alphabet_is_malformed"]),
    ("non-zero trailing bits", &["trailing_bits_that_are_not_zero_are_malformed"]),
    ("inner or outer white space", &["white_space_inside_or_around_is_malformed"]),
    ("empty signature", &["an_empty_signature_is_malformed"]),
    ("JSON serialisation", &["json_serialisation_is_malformed"]),
    ("duplicate header member", &["a_duplicate_header_member_is_refused"]),
    ("extra member, jwk, x5u, x5c, crit, b64", &["any_other_header_member_is_refused"]),
    ("jku, and no connection is made", &["any_other_header_member_is_refused", "nothing_in_a_header_is_fetched"]),
    ("kid missing, a path, 1 MB", &["a_kid_that_is_missing_a_path_or_huge_is_refused"]),
    ("typ missing, JWT, dpop+jwt", &["a_type_that_is_missing_or_another_is_refused"]),
    ("alg none, None, RS256, ES256, Ed448", &["other_algorithms_are_refused"]),
    ("HS256 keyed with the public key", &["a_code_keyed_with_the_public_key_is_refused"]),
    ("another peer's kid", &["the_kid_of_another_peer_is_unknown"]),
    ("unknown kid, after one fetch", &["a_kid_in_no_manifest_is_unknown", "an_unknown_key_is_asked_for_once"]),
    ("expired key with back-dated iat", &["an_expired_key_is_refused_whatever_iat_says"]),
    ("revoked key", &["a_revoked_key_is_refused"]),
    ("a log key used for a message", &["a_log_key_signs_no_messages"]),
    ("manifest: small order, 31 or 33 octets, not canonical", &["keys_that_are_no_keys"]),
    ("manifest: kid not the thumbprint", &["a_name_that_is_not_the_thumbprint"]),
    ("manifest: lower version", &["a_lower_version_or_other_octets_under_the_same_are_a_rollback"]),
    ("manifest: vanished key", &["a_later_version_may_not_lose_change_or_extend_a_key"]),
    ("manifest: d present", &["a_private_key_published"]),
    ("one bit flipped in each part", &["a_flipped_bit_in_any_part_is_refused", "no_bit_of_a_token_can_be_flipped"]),
    ("S + L", &["s_plus_the_group_order_is_refused"]),
    ("63 and 65 octets", &["sixty_three_and_sixty_five_octets_are_refused"]),
    ("signature of another message", &["the_signature_of_another_message_is_refused"]),
    ("no iss", &["no_issuer"]),
    ("no aud", &["no_audience"]),
    ("aud with two values", &["an_audience_of_two"]),
    ("other aud", &["another_audience"]),
    ("exp, nbf or sub present", &["exp_nbf_or_sub_present"]),
    ("iat as text or a fraction", &["iat_as_text_or_fraction"]),
    ("iat 301 s ahead", &["iat_301_seconds_ahead"]),
    ("jti upper case", &["jti_in_upper_case_or_huge_or_another_spelling"]),
    ("jti of 1 MB", &["a_jti_of_a_megabyte_makes_no_token"]),
    ("two events, no event", &["two_events_or_none"]),
    ("duplicate member inside events", &["a_duplicate_member_inside_events"]),
    ("depth 17", &["depth_sixteen_passes_and_seventeen_does_not"]),
    ("same jti, other payload", &["the_same_id_with_another_payload_is_refused"]),
    ("same seq, other jti", &["a_number_used_twice_is_refused"]),
    ("suspended, ended, unknown, imported peer", &["peers_are_answered_by_their_state"]),
    ("GET; media type; gzip; 65 537 octets; chunked without end; header flood", &["http_is_checked_in_order"]),
    ("receipt for another jti", &["a_receipt_for_another_message", "impossible_receipts_end_nothing"]),
    ("receipt with a wrong hash", &["a_receipt_for_other_octets", "impossible_receipts_end_nothing"]),
    ("receipt signed by another peer", &["a_receipt_signed_by_another_peer", "impossible_receipts_end_nothing"]),
    ("receipt an hour ahead", &["a_moment_of_storage_that_cannot_be", "impossible_receipts_end_nothing"]),
    ("receipt with an unknown status", &["a_status_that_is_not_stored", "impossible_receipts_end_nothing"]),
    ("a receipt for a receipt is never made", &["no_receipt_answers_a_receipt"]),
    ("wrong digit, digits of another party", &["digits_belong_to_one_party", "wrong_digits_lock_the_card"]),
    ("card signed by another key", &["a_card_signed_by_another_key_is_refused"]),
    (
        "identity key swapped in a later card",
        &["a_later_card_keeps_the_identity", "another_identity_key_is_another_ceremony"],
    ),
    ("hostile receivers", &["hostile_receivers_cost_little_and_delay_nobody", "ten_gigabytes_are_not_read"]),
    ("forbidden addresses", &["every_forbidden_range_is_exactly_as_wide_as_stated"]),
    ("odd spellings", &["every_spelling_of_a_forbidden_address_is_refused_for_every_request"]),
    ("a name rebound", &["one_look_up_judges_and_dials", "a_name_that_was_rebound_is_refused"]),
    ("one forbidden answer", &["one_forbidden_answer_refuses_the_whole_name"]),
    ("accepted: iat 30 days old", &["iat_thirty_days_old_is_accepted"]),
    ("accepted: iat 299 s ahead", &["iat_299_and_300_seconds_ahead_are_accepted"]),
    ("accepted: aud as an array of one", &["an_audience_in_an_array_of_one_is_accepted"]),
    ("accepted: alg Ed25519", &["both_names_of_the_algorithm_are_accepted"]),
    ("accepted: media-type parameters, upper case", &["media_types_may_be_upper_case_and_have_parameters"]),
    ("accepted: unknown claims", &["unknown_claims_are_accepted_and_stay_in_the_octets"]),
    ("accepted: gap in seq", &["a_gap_is_no_reason_to_refuse"]),
    ("accepted: repeated a thousand times", &["a_repeat_gets_the_same_receipt_a_thousand_times"]),
    ("accepted by another implementation", &["it_takes_what_we_push_and_signs_for_it"]),
    ("refused by another implementation", &["it_refuses_what_was_tampered_with", "we_refuse_what_it_spoils"]),
];

#[test]
fn every_line_of_the_must_refuse_list_has_its_test() {
    let sources: Vec<String> =
        files(".rs").into_iter().map(|file| fs::read_to_string(file).expect("a source is readable")).collect();
    let there = |test: &str| sources.iter().any(|source| source.contains(&format!("fn {test}(")));
    let mut faults = Vec::new();
    for (item, tests) in LIST {
        faults.extend(tests.iter().filter(|test| !there(test)).map(|test| format!("{item}: there is no test {test}")));
    }
    none(&faults);
}
