//! JSON read without mercy, because two readers of one signed text must never see two meanings.
//!
//! `serde_json` alone keeps the last of two equal members without a word. [`parse`] refuses equal members at any depth,
//! and everything beyond the limits of protocol §20, while parsing: nothing is built first and judged afterwards.

use std::cell::Cell;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// How much is read. The numbers of protocol §20 are in [`WIRE`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Levels of objects and arrays; the outermost is level 1.
    pub depth: usize,
    /// Characters (not octets) in one string or member name.
    pub string: usize,
    /// Elements in one array.
    pub array: usize,
}

/// The limits of protocol §20.
pub const WIRE: Limits = Limits { depth: 16, string: 8_000, array: 200 };

/// Why a text was refused. Carries no input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// Not JSON (RFC 8259), not UTF-8, or more than one value.
    #[error("not one JSON value")]
    Syntax,
    /// Begins with a byte order mark.
    #[error("begins with a byte order mark")]
    ByteOrderMark,
    /// One object names a member twice.
    #[error("a member is named twice")]
    Duplicate,
    /// Deeper than [`Limits::depth`].
    #[error("nested too deeply")]
    TooDeep,
    /// A string or name longer than [`Limits::string`].
    #[error("a string is too long")]
    StringTooLong,
    /// An array longer than [`Limits::array`].
    #[error("an array is too long")]
    ArrayTooLong,
}

/// Reads one JSON value and nothing after it.
///
/// # Errors
/// [`JsonError`], the first fault met.
pub fn parse(octets: &[u8], limits: Limits) -> Result<Value, JsonError> {
    if octets.starts_with(b"\xEF\xBB\xBF") {
        return Err(JsonError::ByteOrderMark);
    }
    let fault = Cell::new(None);
    let mut reader = serde_json::Deserializer::from_slice(octets);
    let read = Strict { limits, level: 0, fault: &fault }.deserialize(&mut reader);
    match (read, fault.get()) {
        (_, Some(fault)) => Err(fault),
        (Err(_), None) => Err(JsonError::Syntax),
        (Ok(value), None) => reader.end().map(|()| value).map_err(|_| JsonError::Syntax),
    }
}

/// Reads one JSON object: the only thing a header or payload may be.
pub(crate) fn parse_object(octets: &[u8]) -> Result<Map<String, Value>, JsonError> {
    match parse(octets, WIRE)? {
        Value::Object(members) => Ok(members),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Err(JsonError::Syntax),
    }
}

#[derive(Clone, Copy)]
struct Strict<'f> {
    limits: Limits,
    /// Levels already open around this value.
    level: usize,
    /// Where the reason goes: the reader's own errors carry only text.
    fault: &'f Cell<Option<JsonError>>,
}

impl Strict<'_> {
    fn refuse<E: de::Error>(self, fault: JsonError) -> E {
        self.fault.set(Some(fault));
        E::custom(fault)
    }

    fn inside<E: de::Error>(self) -> Result<Self, E> {
        if self.level >= self.limits.depth {
            return Err(self.refuse(JsonError::TooDeep));
        }
        Ok(Self { level: self.level.saturating_add(1), ..self })
    }

    fn text<E: de::Error>(self, text: &str) -> Result<(), E> {
        // A character has at least one octet, so most texts are never counted.
        if text.len() > self.limits.string && text.chars().count() > self.limits.string {
            return Err(self.refuse(JsonError::StringTooLong));
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| self.refuse(JsonError::Syntax))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        self.text(value)?;
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E: de::Error>(self, value: String) -> Result<Value, E> {
        self.text(&value)?;
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let inside = self.inside()?;
        let mut array = Vec::new();
        while let Some(element) = elements.next_element_seed(inside)? {
            if array.len() >= self.limits.array {
                return Err(self.refuse(JsonError::ArrayTooLong));
            }
            array.push(element);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inside = self.inside()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            self.text(&name)?;
            let value = members.next_value_seed(inside)?;
            if object.insert(name, value).is_some() {
                return Err(self.refuse(JsonError::Duplicate));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::{JsonError, WIRE, parse};
    use serde_json::Value;

    fn read(text: &str) -> Result<Value, JsonError> {
        parse(text.as_bytes(), WIRE)
    }

    #[test]
    fn reads_what_serde_json_reads() {
        for text in [
            "null",
            "true",
            "-1",
            "18446744073709551615",
            "1.5",
            "\"\\u00e9\"",
            "[]",
            "{\"a\":[1,{\"b\":null}]}",
            " {} ",
        ] {
            assert_eq!(read(text).ok(), serde_json::from_str::<Value>(text).ok(), "{text}");
        }
    }

    #[test]
    fn refuses_equal_members_at_any_depth() {
        assert_eq!(read(r#"{"a":1,"a":1}"#), Err(JsonError::Duplicate));
        assert_eq!(read(r#"{"x":[{"y":{"a":1,"b":2,"a":3}}]}"#), Err(JsonError::Duplicate));
        // Two spellings of one name are one name.
        assert_eq!(read(r#"{"a":1,"\u0061":1}"#), Err(JsonError::Duplicate));
    }

    #[test]
    fn sixteen_levels_pass_and_seventeen_do_not() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(read(&nested(16)).is_ok());
        assert_eq!(read(&nested(17)), Err(JsonError::TooDeep));
        assert_eq!(read(&"[".repeat(100_000)), Err(JsonError::TooDeep));
        let objects = format!("{}1{}", "{\"a\":".repeat(17), "}".repeat(17));
        assert_eq!(read(&objects), Err(JsonError::TooDeep));
    }

    #[test]
    fn strings_are_counted_in_characters() {
        assert!(read(&format!("\"{}\"", "é".repeat(8_000))).is_ok());
        assert_eq!(read(&format!("\"{}\"", "é".repeat(8_001))), Err(JsonError::StringTooLong));
        assert_eq!(read(&format!("{{\"{}\":1}}", "n".repeat(8_001))), Err(JsonError::StringTooLong));
    }

    #[test]
    fn arrays_end_at_two_hundred() {
        let array = |n: usize| format!("[{}]", vec!["0"; n].join(","));
        assert!(read(&array(200)).is_ok());
        assert_eq!(read(&array(201)), Err(JsonError::ArrayTooLong));
    }

    #[test]
    fn refuses_marks_trailing_data_and_other_texts() {
        assert_eq!(read("\u{feff}{}"), Err(JsonError::ByteOrderMark));
        for text in ["{} {}", "{}x", "", "{'a':1}", "{\"a\":1,}", "NaN", "01", "\"\u{1}\"", "1e999"] {
            assert_eq!(read(text), Err(JsonError::Syntax), "{text}");
        }
        assert_eq!(parse(b"\"\xff\"", WIRE), Err(JsonError::Syntax));
    }
}
