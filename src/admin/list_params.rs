//! What a list can be asked for.

use std::time::Duration;

use axum::http::{Method, StatusCode, Uri};

use super::params::{self, Parameter, problem};
use super::problem::Problem;
use crate::event::{Timestamp, limits};
use crate::{Cursor, Filter, PageRequest};

/// The filter and the page of a query string.
pub(super) fn read(uri: &Uri) -> Result<(Filter, PageRequest), Problem> {
    let mut draft = Draft::default();
    params::read(uri, LIST, &mut draft)?;
    draft.finish()
}

#[derive(Default)]
struct Draft {
    filter: Filter,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    last: Option<Duration>,
    page: PageRequest,
    cursor: Option<Cursor>,
}

impl Draft {
    fn narrow(&mut self, narrow: impl FnOnce(Filter) -> Filter) {
        self.filter = narrow(std::mem::take(&mut self.filter));
    }

    fn finish(mut self) -> Result<(Filter, PageRequest), Problem> {
        if self.last.is_some() && (self.from.is_some() || self.to.is_some()) {
            return Err(problem("last", "cannot be combined with `from` or `to`"));
        }
        if let (Some(from), Some(to)) = (self.from, self.to)
            && from >= to
        {
            return Err(problem("to", "takes a time after the one of `from`"));
        }
        if let Some(from) = self.from {
            self.narrow(|filter| filter.from(from));
        }
        if let Some(to) = self.to {
            self.narrow(|filter| filter.to(to));
        }
        if let Some(last) = self.last {
            self.narrow(|filter| filter.last(last));
        }
        let page = match self.cursor {
            Some(cursor) => self.page.cursor(cursor),
            None => self.page,
        };
        Ok((self.filter, page))
    }
}

const NAME: &str = "a text of 1 to 256 bytes";
const TIME: &str =
    "a time as in 2024-02-29T12:00:00Z (RFC 3339; write the `+` of an offset as `%2B`)";

const LIST: &[Parameter<Draft>] = &[
    Parameter {
        name: "kind",
        takes: "a kind such as `http`, `auth` or `data_change`: 1 to 32 characters of a-z, 0-9, `_`, `-` and `.`",
        read: |draft, text| {
            let kind = text.parse().ok()?;
            draft.narrow(|filter| filter.kind(kind));
            Some(())
        },
    },
    Parameter {
        name: "action",
        takes: NAME,
        read: |draft, text| {
            let action = exact(text, limits::NAME_BYTES)?;
            draft.narrow(|filter| filter.action(action));
            Some(())
        },
    },
    Parameter {
        name: "outcome",
        takes: "one of `completed`, `service_error`, `body_error`, `aborted_before_head`, `aborted_mid_body`, `panicked`, `timed_out` and `upgraded`",
        read: |draft, text| {
            let outcome = text.parse().ok()?;
            draft.narrow(|filter| filter.outcome(outcome));
            Some(())
        },
    },
    Parameter {
        name: "success",
        takes: "`true` or `false`",
        read: |draft, text| {
            let success = text.parse().ok()?;
            draft.narrow(|filter| filter.success(success));
            Some(())
        },
    },
    Parameter {
        name: "method",
        takes: "an HTTP method such as `GET`",
        read: |draft, text| {
            let method: Method = exact(text, limits::NAME_BYTES)?
                .to_ascii_uppercase()
                .parse()
                .ok()?;
            draft.narrow(|filter| filter.method(method.as_str()));
            Some(())
        },
    },
    Parameter {
        name: "status",
        takes: "a status code from 100 to 999",
        read: |draft, text| {
            let status = StatusCode::from_bytes(text.as_bytes()).ok()?;
            draft.narrow(|filter| filter.status(status.as_u16()));
            Some(())
        },
    },
    Parameter {
        name: "route",
        takes: "a route such as `/orders/{id}`, of 1 to 1024 bytes",
        read: |draft, text| {
            let route = exact(text, limits::PATH_BYTES)?;
            draft.narrow(|filter| filter.route(route));
            Some(())
        },
    },
    Parameter {
        name: "path",
        takes: "a path such as `/orders/7`, or the start of one and a `*`, of 1 to 1024 bytes",
        read: |draft, text| {
            let path = exact(text, limits::PATH_BYTES)?;
            draft.narrow(|filter| match path.strip_suffix('*') {
                Some(prefix) => filter.path_prefix(prefix),
                None => filter.path(path),
            });
            Some(())
        },
    },
    Parameter {
        name: "actor_id",
        takes: NAME,
        read: |draft, text| {
            let id = exact(text, limits::NAME_BYTES)?;
            draft.narrow(|filter| filter.actor_id(id));
            Some(())
        },
    },
    Parameter {
        name: "tenant_id",
        takes: NAME,
        read: |draft, text| {
            let id = exact(text, limits::NAME_BYTES)?;
            draft.narrow(|filter| filter.tenant_id(id));
            Some(())
        },
    },
    Parameter {
        name: "request_id",
        takes: NAME,
        read: |draft, text| {
            let id = exact(text, limits::NAME_BYTES)?;
            draft.narrow(|filter| filter.request_id(id));
            Some(())
        },
    },
    Parameter {
        name: "trace_id",
        takes: "a W3C trace id: 32 hexadecimal digits",
        read: |draft, text| {
            let digits = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
            let id = digits.then(|| text.to_ascii_lowercase())?;
            draft.narrow(|filter| filter.trace_id(&id));
            Some(())
        },
    },
    Parameter {
        name: "from",
        takes: TIME,
        read: |draft, text| {
            draft.from = Some(text.parse().ok()?);
            Some(())
        },
    },
    Parameter {
        name: "to",
        takes: TIME,
        read: |draft, text| {
            draft.to = Some(text.parse().ok()?);
            Some(())
        },
    },
    Parameter {
        name: "last",
        takes: "a whole number of seconds, minutes, hours or days, such as `90s`, `15m`, `24h` or `7d`",
        read: |draft, text| {
            draft.last = Some(duration(text)?);
            Some(())
        },
    },
    Parameter {
        name: "limit",
        takes: "a whole number from 1 to 500",
        read: |draft, text| {
            draft.page = PageRequest::new(number(text)?.try_into().ok()?).ok()?;
            Some(())
        },
    },
    Parameter {
        name: "cursor",
        takes: "a `next_cursor` or `prev_cursor` as it was given",
        read: |draft, text| {
            draft.cursor = Some(text.parse().ok()?);
            Some(())
        },
    },
];

/// A text that a record can hold: one that is longer was cut, and no store keeps NUL.
fn exact(text: &str, limit: usize) -> Option<&str> {
    let fits = (1..=limit).contains(&text.len()) && !text.contains('\0');
    fits.then_some(text)
}

fn number(text: &str) -> Option<u64> {
    // `parse` alone would take a sign.
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok())?
}

fn duration(text: &str) -> Option<Duration> {
    let (count, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return None,
    };
    let seconds = number(count)?.checked_mul(seconds)?;
    (seconds > 0).then(|| Duration::from_secs(seconds))
}
