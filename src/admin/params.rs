//! Query parameters: strict, and with errors that say what would be right.

use axum::extract::Query;
use axum::http::Uri;

use super::problem::Problem;
use crate::event::limits;

/// A parameter that a route takes, and how its value gets into the route's draft.
pub(super) struct Parameter<Draft> {
    pub(super) name: &'static str,
    /// What it takes, to go on after "The parameter `…` takes".
    pub(super) takes: &'static str,
    /// Puts a value into the draft, or gives up on one that cannot be.
    pub(super) read: fn(&mut Draft, &str) -> Option<()>,
}

/// Reads the query string into the draft, each parameter at most once.
pub(super) fn read<Draft>(
    uri: &Uri,
    known: &[Parameter<Draft>],
    draft: &mut Draft,
) -> Result<(), Problem> {
    let Ok(Query(pairs)) = Query::<Vec<(String, String)>>::try_from_uri(uri) else {
        return Err(Problem::bad_request("The query string cannot be read."));
    };
    let mut seen = Vec::new();
    for (name, value) in pairs {
        let Some(parameter) = known.iter().find(|parameter| parameter.name == name) else {
            return Err(unknown(name, known));
        };
        if seen.contains(&parameter.name) {
            return Err(problem(parameter.name, "can be given only once"));
        }
        seen.push(parameter.name);
        (parameter.read)(draft, &value)
            .ok_or_else(|| problem(parameter.name, &format!("takes {}", parameter.takes)))?;
    }
    Ok(())
}

/// Refuses parameters where there are none.
pub(super) fn none(uri: &Uri) -> Result<(), Problem> {
    read(uri, &[], &mut ())
}

/// What is wrong with a parameter, to go on after its name.
pub(super) fn problem(name: &'static str, what: &str) -> Problem {
    Problem::bad_request(format!("The parameter `{name}` {what}.")).parameter(name)
}

/// A name that could be a typing mistake is named; anything else could be an attempt at an injection.
fn unknown<Draft>(name: String, known: &[Parameter<Draft>]) -> Problem {
    let known: Vec<_> = known.iter().map(|parameter| parameter.name).collect();
    let known = if known.is_empty() {
        "no parameters".to_owned()
    } else {
        known.join(", ")
    };
    let harmless = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if name.is_empty() || name.len() > limits::KIND_BYTES || !name.bytes().all(harmless) {
        return Problem::bad_request(format!(
            "A parameter is not known here, which takes {known}."
        ));
    }
    Problem::bad_request(format!(
        "The parameter `{name}` is not known here, which takes {known}."
    ))
    .parameter(name)
}
