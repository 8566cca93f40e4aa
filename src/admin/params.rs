//! Query parameters: strict, and with errors that say what would be right.

use axum::extract::Query;
use axum::http::Uri;

use super::filter_params::{FILTER, FilterDraft};
use super::problem::Problem;
use crate::Filter;
use crate::event::limits;

/// The most values of a query string.
const MAX_VALUES: usize = 100;

/// A parameter that a route takes, and how its value gets into the route's draft.
pub(super) struct Parameter<Draft> {
    pub(super) name: &'static str,
    /// What it takes, to go on after "The parameter `…` takes".
    pub(super) takes: &'static str,
    /// Whether it may be given more than once.
    pub(super) repeats: bool,
    /// Puts a value into the draft, or gives up on one that cannot be.
    pub(super) read: fn(&mut Draft, &str) -> Option<()>,
}

/// Reads a query string of a route that takes a filter, and its `own` parameters into the draft.
pub(super) fn read<Draft>(
    uri: &Uri,
    own: &[Parameter<Draft>],
    draft: &mut Draft,
) -> Result<Filter, Problem> {
    let mut filter = FilterDraft::default();
    let mut seen = Vec::new();
    for (name, value) in pairs(uri)? {
        let known = set(FILTER, &mut filter, &name, &value, &mut seen)?
            || set(own, draft, &name, &value, &mut seen)?;
        if !known {
            let filters = FILTER.iter().map(|parameter| parameter.name);
            let own = own.iter().map(|parameter| parameter.name);
            return Err(unknown(name, filters.chain(own)));
        }
    }
    filter.finish()
}

/// Reads a query string of a route that takes no filter.
pub(super) fn own<Draft>(
    uri: &Uri,
    own: &[Parameter<Draft>],
    draft: &mut Draft,
) -> Result<(), Problem> {
    let mut seen = Vec::new();
    for (name, value) in pairs(uri)? {
        if !set(own, draft, &name, &value, &mut seen)? {
            return Err(unknown(name, own.iter().map(|parameter| parameter.name)));
        }
    }
    Ok(())
}

/// Refuses parameters where there are none.
pub(super) fn none(uri: &Uri) -> Result<(), Problem> {
    own(uri, &[], &mut ())
}

fn pairs(uri: &Uri) -> Result<Vec<(String, String)>, Problem> {
    let Ok(Query(pairs)) = Query::<Vec<(String, String)>>::try_from_uri(uri) else {
        return Err(Problem::bad_request("The query string cannot be read."));
    };
    if pairs.len() > MAX_VALUES {
        return Err(Problem::bad_request(format!(
            "The query string has more than {MAX_VALUES} parameters."
        )));
    }
    Ok(pairs)
}

/// Puts a value into the draft, if its parameter is one of these.
fn set<Draft>(
    parameters: &[Parameter<Draft>],
    draft: &mut Draft,
    name: &str,
    value: &str,
    seen: &mut Vec<&'static str>,
) -> Result<bool, Problem> {
    let Some(parameter) = parameters.iter().find(|parameter| parameter.name == name) else {
        return Ok(false);
    };
    if !parameter.repeats {
        if seen.contains(&parameter.name) {
            return Err(problem(parameter.name, "can be given only once"));
        }
        seen.push(parameter.name);
    }
    (parameter.read)(draft, value)
        .ok_or_else(|| problem(parameter.name, &format!("takes {}", parameter.takes)))?;
    Ok(true)
}

/// What is wrong with a parameter, to go on after its name.
pub(super) fn problem(name: &'static str, what: &str) -> Problem {
    Problem::bad_request(format!("The parameter `{name}` {what}.")).parameter(name)
}

/// A name that could be a typing mistake is named; anything else could be an attempt at an injection.
fn unknown(name: String, known: impl Iterator<Item = &'static str>) -> Problem {
    let known: Vec<_> = known.collect();
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
