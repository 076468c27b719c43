//! The closed lists: which keywords a rules file may use, which formats are checked, and what an old name is called now.

/// What the value of a keyword is, as far as walking a schema needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// No schema inside.
    Plain,
    /// One schema.
    Schema,
    /// An array of schemas.
    Schemas,
    /// An object whose values are schemas.
    SchemaMap,
}

/// The keyword that makes properties of a collection's records unique.
pub(super) const UNIQUE: &str = "uniqueItemProperties";
/// The keyword that makes a property point to a record.
pub(super) const REFERENCES: &str = "references";

/// Every keyword of a rules file. The walk, the nearest-name hint and the test of `docs/rules.md` read this list.
#[rustfmt::skip]
pub(super) const KEYWORDS: &[(&str, Shape)] = {
    use Shape::{Plain, Schema, SchemaMap, Schemas};
    &[
        ("$schema", Plain), ("$id", Plain), ("$ref", Plain), ("$anchor", Plain), ("$dynamicRef", Plain),
        ("$dynamicAnchor", Plain), ("$comment", Plain), ("$defs", SchemaMap), ("definitions", SchemaMap),
        ("type", Plain), ("enum", Plain), ("const", Plain), ("format", Plain),
        ("minLength", Plain), ("maxLength", Plain), ("pattern", Plain),
        ("minimum", Plain), ("exclusiveMinimum", Plain), ("maximum", Plain), ("exclusiveMaximum", Plain),
        ("multipleOf", Plain),
        ("properties", SchemaMap), ("required", Plain), ("additionalProperties", Schema),
        ("patternProperties", SchemaMap), ("propertyNames", Schema), ("minProperties", Plain),
        ("maxProperties", Plain), ("dependentRequired", Plain), ("dependentSchemas", SchemaMap),
        ("unevaluatedProperties", Schema),
        ("items", Schema), ("prefixItems", Schemas), ("minItems", Plain), ("maxItems", Plain), ("uniqueItems", Plain),
        ("contains", Schema), ("minContains", Plain), ("maxContains", Plain), ("unevaluatedItems", Schema),
        ("allOf", Schemas), ("anyOf", Schemas), ("oneOf", Schemas), ("not", Schema), ("if", Schema), ("then", Schema),
        ("else", Schema),
        ("title", Plain), ("description", Plain), ("default", Plain), ("examples", Plain), ("deprecated", Plain),
        ("readOnly", Plain), ("writeOnly", Plain), ("contentEncoding", Plain), ("contentMediaType", Plain),
        ("contentSchema", Schema),
        ("markdownDescription", Plain), ("enumDescriptions", Plain), ("defaultSnippets", Plain),
        (UNIQUE, Plain), (REFERENCES, Plain),
    ]
};

/// What a keyword of another draft, of OpenAPI or of habit is called here.
pub(super) const OLD_NAMES: &[(&str, &str)] = &[
    ("id", "`$id`; a property named id belongs inside `properties`"),
    ("$recursiveRef", "`$dynamicRef`"),
    ("$recursiveAnchor", "`$dynamicAnchor`"),
    ("additionalItems", "`items`, with the leading items in `prefixItems`"),
    ("dependencies", "`dependentRequired` or `dependentSchemas`"),
    ("nullable", "`\"type\": [\"string\", \"null\"]`"),
    ("example", "`examples`, an array"),
    ("discriminator", "`oneOf` with a `const` in each form"),
    ("unique", "`uniqueItemProperties`, beside `items`"),
    ("foreignKey", "`references`"),
];

/// What may stand at the root of a rules file, beside keywords that begin with `x-`.
#[rustfmt::skip]
pub(super) const AT_ROOT: &[&str] = &[
    "$schema", "$id", "$defs", "definitions", "$comment", "$anchor", "title", "description", "markdownDescription",
    "type", "properties", "required", "additionalProperties", "default", "examples", "defaultSnippets",
];

/// What may stand in the schema of a collection beside `items`: records are checked one by one.
#[rustfmt::skip]
pub(super) const AT_COLLECTION: &[&str] = &[
    "type", "items", UNIQUE, "uniqueItems", "$ref", "allOf", "$comment", "$defs", "$anchor", "title", "description",
    "markdownDescription", "default", "examples", "deprecated", "readOnly", "defaultSnippets",
];

/// A format: its name, how a sentence calls such a text, and one that is valid.
pub(super) struct Format {
    pub name: &'static str,
    pub noun: &'static str,
    pub example: &'static str,
}

const fn format(name: &'static str, noun: &'static str, example: &'static str) -> Format {
    Format { name, noun, example }
}

/// The formats that are checked.
#[rustfmt::skip]
pub(super) const FORMATS: &[Format] = &[
    format("email", "an e-mail address", "name@example.com"),
    format("date", "a date", "2026-01-31"),
    format("date-time", "a date and time", "2026-01-31T12:00:00Z"),
    format("time", "a time with its offset", "12:00:00Z"),
    format("duration", "a duration", "P1DT2H"),
    format("uuid", "a UUID", "123e4567-e89b-12d3-a456-426614174000"),
    format("uri", "a URI", "https://example.com/page"),
    format("uri-reference", "a URI or a relative reference", "/page?x=1"),
    format("uri-template", "a URI template", "/users/{id}"),
    format("iri", "an IRI", "https://example.com/page"),
    format("iri-reference", "an IRI or a relative reference", "/page?x=1"),
    format("hostname", "a host name", "www.example.com"),
    format("ipv4", "an IPv4 address", "192.0.2.1"),
    format("ipv6", "an IPv6 address", "2001:db8::1"),
    format("regex", "a regular expression", "^[a-z]+$"),
    format("json-pointer", "a JSON pointer", "/users/0/name"),
    format("relative-json-pointer", "a relative JSON pointer", "1/name"),
];

/// Formats that say how a value is meant and are not checked, as OpenAPI uses them.
#[rustfmt::skip]
pub(super) const UNCHECKED_FORMATS: &[&str] =
    &["int32", "int64", "float", "double", "decimal", "byte", "binary", "password"];

/// The format of that name, if it is checked.
pub(super) fn format_named(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}

/// The one of `names` that `name` was most likely meant to be: the same but for case, `-` and `_`, or a few edits away.
pub(super) fn nearest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = fold(name);
    let allowed = (folded.chars().count() / 3).min(3);
    names
        .into_iter()
        .filter(|candidate| *candidate != name)
        .map(|candidate| (edits(&folded, &fold(candidate)), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// A name without what people get wrong first: case, hyphens and underscores.
pub(super) fn fold(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '-' | '_')).flat_map(char::to_lowercase).collect()
}

/// How many insertions, deletions, replacements and swaps of neighbours lie between two names. Nobody mistypes
/// long names, and comparing them takes time that a request must not cost: they count as far apart.
pub(super) fn edits(one: &str, other: &str) -> usize {
    const LONGEST: usize = 64;
    if one != other && (one.len() > LONGEST || other.len() > LONGEST) {
        return usize::MAX;
    }
    strsim::osa_distance(one, other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_names() {
        let names = ["lastName", "firstName", "email", "id"];
        for (typed, expected) in [
            ("lastname", Some("lastName")),
            ("last_name", Some("lastName")),
            ("emial", Some("email")),
            ("e-mail", Some("email")),
            ("fistName", Some("firstName")),
            ("ID", Some("id")),
            ("phone", None),
            ("", None),
            ("email", None),
        ] {
            assert_eq!(nearest(typed, names), expected, "{typed}");
        }
        assert_eq!(nearest(&"x".repeat(100_000), names), None);
    }

    #[test]
    fn every_format_is_known_to_the_crate_and_its_example_valid() {
        for format in FORMATS {
            let options = jsonschema::options()
                .with_draft(jsonschema::Draft::Draft202012)
                .should_validate_formats(true)
                .should_ignore_unknown_formats(false);
            let validator = options.build(&serde_json::json!({ "format": format.name })).expect(format.name);
            assert!(validator.is_valid(&format.example.into()), "{}", format.name);
            assert!(!validator.is_valid(&"\u{7f} ~ {{[".into()), "{}", format.name);
        }
    }
}
