//! The schema and the template: what an editor and a newcomer are told is what the reader does.

use plimsoll::policy::{self, SourceText};
use serde_json::Value;

fn committed(name: &str) -> String {
    std::fs::read_to_string(format!("{}/policies/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// The template with its optional fields and tables put to use.
fn template_in_full() -> String {
    let field = |line: &str| {
        let rest = line.strip_prefix("# ")?;
        let word: String = rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
        let assigns = !word.is_empty() && rest[word.len()..].starts_with(" = ");
        (assigns || rest.starts_with('[')).then(|| rest.to_string())
    };
    committed("template.toml").lines().map(|line| field(line).unwrap_or_else(|| line.to_string()) + "\n").collect()
}

fn assert_sound(name: &str, text: String) {
    // The files that the template names, as small as they can be.
    let mut fetch = |_: &str, path: &str| {
        let text = if path.ends_with("crontab") { "0 3 * * * backup.sh\n" } else { "" };
        Ok(policy::Fetched { name: path.to_string(), text: text.to_string() })
    };
    if let Err(refused) = policy::parse_with(SourceText::new(name, text), &mut fetch) {
        panic!("{}", refused.problems.iter().map(|problem| problem.render(&refused.source)).collect::<String>());
    }
}

#[test]
fn the_template_is_valid_as_it_stands_and_with_every_option_taken() {
    assert_sound("template.toml", committed("template.toml"));
    assert_sound("template.toml in full", template_in_full());
}

/// Walks schema and values together and says where a value breaks the schema: the words of draft 2020-12 that it uses.
fn breaches(schema: &Value, value: &Value, path: &str) -> Vec<String> {
    let mut found = vec![];
    let Some(rules) = schema.as_object() else {
        return if schema == &Value::Bool(false) { vec![format!("{path}: must not be there")] } else { vec![] };
    };
    for (word, rule) in rules {
        let good = match (word.as_str(), rule) {
            ("$schema" | "title" | "description" | "examples" | "pattern" | "properties" | "then", _) => true,
            ("type", rule) => match rule.as_str().unwrap() {
                "object" => value.is_object(),
                "array" => value.is_array(),
                "string" => value.is_string(),
                "boolean" => value.is_boolean(),
                "integer" => value.is_i64(),
                "number" => value.is_number(),
                other => panic!("type {other}"),
            },
            ("const", rule) => rule == value,
            ("minimum", rule) => value.as_f64() >= rule.as_f64(),
            ("maximum", rule) => value.as_f64() <= rule.as_f64(),
            ("minProperties", rule) => value.as_object().map(|fields| fields.len() as u64) >= rule.as_u64(),
            ("maxProperties", rule) => value.as_object().map(|fields| fields.len() as u64) <= rule.as_u64(),
            ("minItems", rule) => value.as_array().map(Vec::len) >= rule.as_u64().map(|n| n as usize),
            ("minLength", rule) => value.as_str().map(str::len) >= rule.as_u64().map(|n| n as usize),
            ("maxLength", rule) => value.as_str().map(str::len) <= rule.as_u64().map(|n| n as usize),
            ("required", rule) => {
                rule.as_array().unwrap().iter().all(|name| value.get(name.as_str().unwrap()).is_some())
            }
            ("oneOf", rule) => {
                rule.as_array().unwrap().iter().filter(|one| breaches(one, value, path).is_empty()).count() == 1
            }
            ("anyOf", rule) => rule.as_array().unwrap().iter().any(|one| breaches(one, value, path).is_empty()),
            ("allOf", rule) => {
                found.extend(rule.as_array().unwrap().iter().flat_map(|one| breaches(one, value, path)));
                true
            }
            ("if", rule) => {
                if breaches(rule, value, path).is_empty() {
                    found.extend(breaches(&rules["then"], value, path));
                }
                true
            }
            ("propertyNames", rule) => rule["pattern"].is_string(),
            ("additionalProperties", rule) => {
                for (name, inner) in value.as_object().unwrap() {
                    if rules.get("properties").is_none_or(|known| known.get(name).is_none()) {
                        found.extend(breaches(rule, inner, &format!("{path}.{name}")));
                    }
                }
                true
            }
            ("items", rule) => {
                found.extend(value.as_array().unwrap().iter().flat_map(|item| breaches(rule, item, path)));
                true
            }
            (other, _) => panic!("the schema uses `{other}`, which this test does not know"),
        };
        if !good {
            found.push(format!("{path}: breaks {word} {rule}"));
        }
    }
    for (name, inner) in rules.get("properties").and_then(Value::as_object).into_iter().flatten() {
        found.extend(value.get(name).into_iter().flat_map(|v| breaches(inner, v, &format!("{path}.{name}"))));
    }
    found
}

fn as_json(text: &str) -> Value {
    serde_json::to_value(toml::from_str::<toml::Table>(text).unwrap()).unwrap()
}

#[test]
fn the_schema_accepts_the_committed_policies() {
    let schema = policy::schema::json();
    for text in [committed("pixelcraft.toml"), committed("template.toml")] {
        assert_eq!(breaches(&schema, &as_json(&text), "policy"), Vec::<String>::new());
    }
}

#[test]
fn the_schema_refuses_what_the_reader_refuses() {
    let refused = |find: &str, put: &str| {
        let text = committed("template.toml");
        assert!(text.contains(find), "{find}");
        let text = text.replacen(find, put, 1);
        assert!(policy::parse(SourceText::new("t", text.clone())).is_err(), "the reader takes {put}");
        !breaches(&policy::schema::json(), &as_json(&text), "policy").is_empty()
    };
    assert!(refused("rpo = \"1h\"", "rpoo = \"1h\""), "an unknown field");
    assert!(refused("copies = 2", "copies = -2"), "a number out of range");
    assert!(refused("immutable = true", "immutable = \"yes\""), "a wrong type");
    assert!(refused("kind = \"snapshot\"", "kind = \"snap\""), "an unknown word");
    assert!(refused("takes = \"30min\"", "window = \"30min\""), "a field of another kind");
    assert!(refused("lives_in = [\"database-host\"]", "lives_in = []"), "an empty list");
}

/// Every field of every table, as paths without the names that users choose.
fn fields(schema: &Value, path: &str, into: &mut Vec<(String, bool)>) {
    for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        into.push((path.clone(), inner["description"].as_str().is_some_and(|about| about.len() > 5)));
        fields(inner, &path, into);
    }
    for deeper in [&schema["additionalProperties"], &schema["items"]].into_iter().filter(|deeper| deeper.is_object()) {
        fields(deeper, path, into);
    }
    for one in schema["anyOf"].as_array().into_iter().flatten() {
        fields(one, path, into);
    }
}

#[test]
fn every_field_is_described_and_stands_in_the_template() {
    let mut all = vec![];
    fields(&policy::schema::json(), "policy", &mut all);
    assert!(all.len() > 80, "{}", all.len());
    let text = template_in_full();
    for (path, described) in all {
        assert!(described, "{path} has no description");
        let name = path.rsplit('.').next().unwrap();
        let stands = |line: &str| {
            line.starts_with(&format!("{name} ="))
                || line.contains(&format!(" {name} ="))
                || line.starts_with(&format!("[{name}"))
                || line.starts_with(&format!("[[{name}"))
                || line.starts_with("[[") && line.ends_with(&format!(".{name}]]"))
        };
        assert!(text.lines().any(stands), "the template does not show {path}");
    }
}
