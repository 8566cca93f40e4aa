//! Rules that know a value by where in a document it is: a part of JSONPath (RFC 9535).
//!
//! All paths run together, as the states of one machine: a bit for every
//! step that is the next one to be taken. A document without paths in its
//! rules costs nothing, and one with them a few operations a member.

use super::names;
use super::rules::StrategyId;
use crate::Error;

/// The steps of all paths together.
const MAX_STEPS: usize = 128;

/// The paths of all rules.
#[derive(Default)]
pub(super) struct Paths {
    steps: Vec<Step>,
    /// The first steps.
    root: Active,
}

/// The steps that may be taken next, a bit each.
pub(super) type Active = u128;

struct Step {
    /// It may be taken any number of levels further in: `..`.
    descends: bool,
    selector: Selector,
    /// What the path stands for, if this is its last step.
    end: Option<StrategyId>,
}

#[derive(Debug, PartialEq, Eq)]
enum Selector {
    /// A member's name, its letters joined.
    Name(Vec<u8>),
    Index(u32),
    Any,
}

/// What is found in an object or array.
#[derive(Clone, Copy)]
pub(super) enum Child<'a> {
    Member(&'a [u8]),
    Element(u32),
}

impl Paths {
    pub(super) fn add(&mut self, path: &str, strategy: StrategyId) -> Result<(), Error> {
        let unusable = |why: &str| {
            Error::configuration(format!("{path:?} cannot be a path of a sanitizer: {why}"))
        };
        let steps = parse(path).map_err(unusable)?;
        if self.steps.len() + steps.len() > MAX_STEPS {
            return Err(unusable("all paths together have at most 128 steps"));
        }
        self.root |= 1 << self.steps.len();
        self.steps.extend(steps);
        if let Some(last) = self.steps.last_mut() {
            last.end = Some(strategy);
        }
        Ok(())
    }

    /// Where all paths begin.
    pub(super) fn root(&self) -> Active {
        self.root
    }

    /// Where the paths are in this child, and what the last one that ends here stands for.
    pub(super) fn child(&self, active: Active, child: Child<'_>) -> (Active, Option<StrategyId>) {
        let (mut next, mut found) = (0, None);
        let mut letters = None;
        let mut rest = active;
        while rest != 0 {
            let at = rest.trailing_zeros();
            rest &= rest - 1;
            let step = &self.steps[at as usize];
            if step.descends {
                next |= 1 << at;
            }
            let is_taken = match (&step.selector, child) {
                (Selector::Any, _) => true,
                (Selector::Index(index), Child::Element(other)) => *index == other,
                (Selector::Name(name), Child::Member(other)) => {
                    letters.get_or_insert_with(|| names::joined(other)) == name
                }
                (Selector::Index(_), Child::Member(_)) | (Selector::Name(_), Child::Element(_)) => {
                    false
                }
            };
            if is_taken {
                match step.end {
                    Some(strategy) => found = Some(strategy),
                    None => next |= 1 << (at + 1),
                }
            }
        }
        (next, found)
    }
}

fn parse(path: &str) -> Result<Vec<Step>, &'static str> {
    let mut rest = path.strip_prefix('$').ok_or("it does not begin with `$`")?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        let (descends, after) = match (rest.strip_prefix(".."), rest.strip_prefix('.')) {
            (Some(after), _) => (true, after),
            (None, Some(after)) => (false, after),
            (None, None) => (false, rest),
        };
        let is_bracket = after.starts_with('[');
        if is_bracket && !descends && after.len() < rest.len() {
            return Err("a single point stands before a name");
        }
        let (selector, after) = if is_bracket {
            bracketed(&after[1..])?
        } else if after.len() < rest.len() {
            named(after)?
        } else {
            return Err("a step begins with a point or a bracket");
        };
        steps.push(Step {
            descends,
            selector,
            end: None,
        });
        rest = after;
    }
    if steps.is_empty() {
        return Err("it has no step");
    }
    Ok(steps)
}

fn named(text: &str) -> Result<(Selector, &str), &'static str> {
    let end = text.find(['.', '[']).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let is_usual = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-');
    match name {
        "*" => Ok((Selector::Any, rest)),
        _ if name.chars().all(is_usual) => Ok((name_selector(name)?, rest)),
        _ => Err("a name with other signs than letters, digits, `_` and `-` stands in `['…']`"),
    }
}

fn bracketed(text: &str) -> Result<(Selector, &str), &'static str> {
    for quote in ['\'', '"'] {
        if let Some(text) = text.strip_prefix(quote) {
            let (name, rest) = text.split_once(quote).ok_or("a quote is not closed")?;
            let rest = rest.strip_prefix(']').ok_or("a bracket is not closed")?;
            return Ok((name_selector(name)?, rest));
        }
    }
    let (inside, rest) = text.split_once(']').ok_or("a bracket is not closed")?;
    let selector = match inside.trim() {
        "*" => Selector::Any,
        index => Selector::Index(
            index
                .parse()
                .map_err(|_| "in brackets stands `*`, an index or a quoted name")?,
        ),
    };
    Ok((selector, rest))
}

fn name_selector(name: &str) -> Result<Selector, &'static str> {
    let joined = names::joined(name.as_bytes());
    if joined.is_empty() {
        return Err("a name has letters or digits");
    }
    Ok(Selector::Name(joined))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the paths, numbered in their order, find at a place.
    fn found(paths: &[&str], place: &[Child<'_>]) -> Option<StrategyId> {
        let mut all = Paths::default();
        for (number, path) in paths.iter().enumerate() {
            all.add(path, number as StrategyId).unwrap();
        }
        let (mut active, mut found) = (all.root(), None);
        for child in place {
            (active, found) = all.child(active, *child);
        }
        found
    }

    fn member(name: &str) -> Child<'_> {
        Child::Member(name.as_bytes())
    }

    #[test]
    fn a_path_finds_what_is_at_its_end() {
        let (card, number) = (member("card"), member("number"));
        assert_eq!(found(&["$.card.number"], &[card, number]), Some(0));
        assert_eq!(found(&["$['card'][\"number\"]"], &[card, number]), Some(0));
        assert_eq!(found(&["$.card.number"], &[card]), None);
        assert_eq!(found(&["$.card.number"], &[number]), None);
        assert_eq!(
            found(&["$.card.number"], &[member("x"), card, number]),
            None
        );
        assert_eq!(found(&["$..number"], &[member("x"), card, number]), Some(0));
        assert_eq!(
            found(&["$..card..number"], &[card, member("x"), number]),
            Some(0)
        );
        assert_eq!(found(&["$.card.*"], &[card, member("x")]), Some(0));
        assert_eq!(found(&["$..*"], &[card, member("x")]), Some(0));
        let (first, second) = (Child::Element(0), Child::Element(1));
        let items = member("items");
        assert_eq!(
            found(&["$.items[*].number"], &[items, second, number]),
            Some(0)
        );
        assert_eq!(
            found(&["$.items[1].number"], &[items, second, number]),
            Some(0)
        );
        assert_eq!(found(&["$.items[1].number"], &[items, first, number]), None);
        assert_eq!(found(&["$[0]"], &[first]), Some(0));
    }

    #[test]
    fn case_and_separators_of_names_do_not_matter() {
        for name in ["card_number", "cardNumber", "Card-Number", "card%4eumber"] {
            assert_eq!(
                found(&["$.card_number"], &[member(name)]),
                Some(0),
                "{name}"
            );
        }
    }

    #[test]
    fn of_several_paths_the_last_counts() {
        assert_eq!(
            found(&["$..number", "$.number"], &[member("number")]),
            Some(1)
        );
        assert_eq!(
            found(&["$.number", "$..number"], &[member("number")]),
            Some(1)
        );
    }

    #[test]
    fn a_path_that_is_none_is_refused_by_name() {
        for path in [
            "",
            "a",
            "$",
            "$.",
            "$..",
            "$.a.",
            "$a",
            "$.[0]",
            "$[",
            "$[]",
            "$['a]",
            "$['a'",
            "$[-1]",
            "$.a b",
            "$.--",
            "$['']",
            "$.a[?(@.b)]",
        ] {
            let error = Paths::default().add(path, 0).unwrap_err().to_string();
            assert!(error.contains(&format!("{path:?}")), "{error}");
        }
        let mut paths = Paths::default();
        let long = format!("${}", ".a".repeat(MAX_STEPS));
        paths.add(&long, 0).unwrap();
        assert!(paths.add("$.a", 0).is_err());
    }
}
