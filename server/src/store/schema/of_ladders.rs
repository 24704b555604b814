//! The tables of ladders' plans, of the rota, and of calendars of deadlines.

diesel::table! {
    ladder_plans (kind, version) {
        kind -> Text,
        version -> Integer,
        current -> Bool,
        content -> Binary,
        at -> BigInt,
    }
}

diesel::table! {
    shifts (id) {
        id -> Binary,
        person_id -> Binary,
        weekly -> Bool,
        swap -> Bool,
        from_at -> BigInt,
        until_at -> BigInt,
        day -> SmallInt,
        from_minute -> Integer,
        minutes -> Integer,
        imported -> Bool,
    }
}

diesel::table! {
    feed_links (token_sha256) {
        token_sha256 -> Binary,
        person_id -> Binary,
        made_at -> BigInt,
    }
}
