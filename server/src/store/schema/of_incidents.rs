//! The tables of what follows from an incident: corrective actions, decisions as precedents, proofs of reports.

use super::incidents;

diesel::table! {
    corrective_actions (incident_id, number) {
        incident_id -> Binary,
        number -> Integer,
        state -> Text,
        open -> Bool,
        due_on -> Integer,
        owner_id -> Nullable<Binary>,
        exercise -> Bool,
        plan -> Binary,
    }
}

diesel::table! {
    precedents (incident_id) {
        incident_id -> Binary,
        decided_at -> BigInt,
        circumstances -> Text,
        to_ico -> Text,
        people -> Nullable<Text>,
        why -> Binary,
    }
}

diesel::table! {
    report_proofs (incident_id, number, piece) {
        incident_id -> Binary,
        number -> Integer,
        piece -> Integer,
        content -> Binary,
    }
}

// A precedent is shown with the reference of its incident.
diesel::allow_tables_to_appear_in_same_query!(precedents, incidents);
