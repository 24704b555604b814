//! The tables of the register.

diesel::table! {
    register (id) {
        id -> Binary,
        source -> Text,
        reference -> Text,
        reference_key -> Binary,
        kind -> Text,
        stage -> Text,
        exercise -> Bool,
        at -> BigInt,
        aware_at -> Nullable<BigInt>,
        category -> Text,
        cause -> Text,
        natures -> BigInt,
        data -> BigInt,
        subjects -> BigInt,
        people_band -> Text,
        people -> Nullable<BigInt>,
        records -> Nullable<BigInt>,
        services -> Integer,
        owed -> Integer,
        ico -> Text,
        ico_due_at -> Nullable<BigInt>,
        ico_ended_at -> Nullable<BigInt>,
        report -> Text,
        partner_id -> Nullable<Binary>,
        ico_type -> Nullable<Text>,
        cost -> Nullable<BigInt>,
        cost_estimated -> Nullable<BigInt>,
    }
}

diesel::table! {
    register_facets (facet, at, entry) {
        facet -> Binary,
        at -> BigInt,
        entry -> Binary,
    }
}

diesel::table! {
    register_tallies (month, partner_id, code) {
        month -> Integer,
        partner_id -> Binary,
        code -> Text,
        n -> BigInt,
    }
}

diesel::table! {
    register_views (id) {
        id -> Binary,
        person_id -> Binary,
        shared -> Bool,
        content -> Binary,
        made_at -> BigInt,
    }
}

diesel::allow_tables_to_appear_in_same_query!(register, register_facets);
