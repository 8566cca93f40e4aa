//! The parameters of every route that takes a filter.

use std::net::IpAddr;
use std::time::Duration;

use axum::http::{Method, StatusCode};
use ipnet::IpNet;

use super::params::{Parameter, problem};
use super::problem::Problem;
use crate::Filter;
use crate::event::{Timestamp, limits};

/// A filter that is being read.
#[derive(Default)]
pub(super) struct FilterDraft {
    filter: Filter,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    last: Option<Duration>,
}

impl FilterDraft {
    pub(super) fn finish(self) -> Result<Filter, Problem> {
        let Self {
            filter,
            from,
            to,
            last,
        } = self;
        if last.is_some() && (from.is_some() || to.is_some()) {
            return Err(problem("last", "cannot be combined with `from` or `to`"));
        }
        if let (Some(from), Some(to)) = (from, to)
            && from >= to
        {
            return Err(problem("to", "takes a time after the one of `from`"));
        }
        let filter = from.into_iter().fold(filter, Filter::from);
        let filter = to.into_iter().fold(filter, Filter::to);
        Ok(last.into_iter().fold(filter, Filter::last))
    }
}

const NAME: &str = "a text of 1 to 256 bytes";
const FLAG: &str = "`true` or `false`";
const TIME: &str =
    "a time as in 2024-02-29T12:00:00Z (RFC 3339; write the `+` of an offset as `%2B`)";
const DURATION: &str = "a whole number of microseconds, milliseconds, seconds or minutes, such as `250us`, `500ms`, `2s` or `1m`";

/// A condition: how its text becomes one, for the condition itself and for
/// what is left out by a `!` before it.
macro_rules! condition {
    ($name:literal, $takes:expr, |$next:ident, $text:ident| $with:expr) => {
        Parameter {
            name: $name,
            takes: $takes,
            repeats: true,
            read: |draft: &mut FilterDraft, text: &str| {
                let filter = std::mem::take(&mut draft.filter);
                draft.filter = if let Some($text) = text.strip_prefix('!') {
                    let $next = filter.except();
                    $with
                } else {
                    let ($next, $text) = (filter, text);
                    $with
                };
                Some(())
            },
        }
    };
}

pub(super) const FILTER: &[Parameter<FilterDraft>] = &[
    condition!(
        "kind",
        "a kind such as `http`, `auth` or `data_change`: 1 to 32 characters of a-z, 0-9, `_`, `-` and `.`",
        |filter, text| filter.kind(text.parse().ok()?)
    ),
    condition!("category", NAME, |filter, text| filter
        .category(name(text)?)),
    condition!("action", NAME, |filter, text| filter.action(name(text)?)),
    condition!(
        "outcome",
        "one of `completed`, `service_error`, `body_error`, `aborted_before_head`, `aborted_mid_body`, `panicked`, `timed_out` and `upgraded`",
        |filter, text| filter.outcome(text.parse().ok()?)
    ),
    condition!("success", FLAG, |filter, text| filter
        .success(text.parse().ok()?)),
    condition!("error_code", NAME, |filter, text| filter
        .error_code(name(text)?)),
    condition!("severity", NAME, |filter, text| filter
        .severity(name(text)?)),
    condition!("component", NAME, |filter, text| filter
        .component(name(text)?)),
    condition!("service", NAME, |filter, text| filter.service(name(text)?)),
    condition!("flagged", FLAG, |filter, text| filter
        .flagged(text.parse().ok()?)),
    condition!("tags", NAME, |filter, text| filter.tags(name(text)?)),
    condition!("parent_id", "the id of an event: a UUID", |filter, text| {
        filter.parent_id(text.parse().ok()?)
    }),
    condition!("operation_id", NAME, |filter, text| filter
        .operation_id(name(text)?)),
    condition!("request_id", NAME, |filter, text| filter
        .request_id(name(text)?)),
    condition!(
        "trace_id",
        "a W3C trace id: 32 hexadecimal digits",
        |filter, text| filter.trace_id(&trace_id(text)?)
    ),
    condition!("actor_kind", NAME, |filter, text| filter
        .actor_kind(name(text)?)),
    condition!("actor_id", NAME, |filter, text| filter
        .actor_id(name(text)?)),
    condition!("actor_email", NAME, |filter, text| filter
        .actor_email(name(text)?)),
    condition!("actor_role", NAME, |filter, text| filter
        .actor_role(name(text)?)),
    condition!("tenant_id", NAME, |filter, text| filter
        .tenant_id(name(text)?)),
    condition!("session_id", NAME, |filter, text| filter
        .session_id(name(text)?)),
    condition!("resource_type", NAME, |filter, text| filter
        .resource_type(name(text)?)),
    condition!("resource_id", NAME, |filter, text| filter
        .resource_id(name(text)?)),
    condition!("method", "an HTTP method such as `GET`", |filter, text| {
        let method: Method = name(text)?.to_ascii_uppercase().parse().ok()?;
        filter.method(method.as_str())
    }),
    condition!(
        "path",
        "a path such as `/orders/7`, or the start of one and a `*`, of 1 to 1024 bytes",
        |filter, text| match exact(text, limits::PATH_BYTES)?.strip_suffix('*') {
            Some(prefix) => filter.path_prefix(prefix),
            None => filter.path(text),
        }
    ),
    condition!(
        "route",
        "a route such as `/orders/{id}`, of 1 to 1024 bytes",
        |filter, text| filter.route(exact(text, limits::PATH_BYTES)?)
    ),
    condition!("host", NAME, |filter, text| filter.host(name(text)?)),
    condition!(
        "status",
        "a status code from 100 to 999, or a class of them such as `4xx`",
        |filter, text| match text.strip_suffix("xx") {
            Some(class) =>
                filter.status_class(number(class).filter(|class| (1..=9).contains(class))? as u8),
            None => filter.status(StatusCode::from_bytes(text.as_bytes()).ok()?.as_u16()),
        }
    ),
    condition!(
        "grpc_status",
        "a whole number from 0 to 65535",
        |filter, text| filter.grpc_status(number(text)?.try_into().ok()?)
    ),
    condition!("min_duration", DURATION, |filter, text| {
        filter.min_duration(duration(text)?)
    }),
    condition!("max_duration", DURATION, |filter, text| {
        filter.max_duration(duration(text)?)
    }),
    condition!(
        "client_ip",
        "an IP address such as `192.0.2.1`, or a network such as `192.0.2.0/24`",
        |filter, text| filter.client_ip(network(text)?)
    ),
    condition!("country", NAME, |filter, text| filter.country(name(text)?)),
    condition!("browser", NAME, |filter, text| filter.browser(name(text)?)),
    condition!("os", NAME, |filter, text| filter.os(name(text)?)),
    condition!("device", NAME, |filter, text| filter.device(name(text)?)),
    condition!("is_mobile", FLAG, |filter, text| filter
        .is_mobile(text.parse().ok()?)),
    condition!("is_bot", FLAG, |filter, text| filter
        .is_bot(text.parse().ok()?)),
    Parameter {
        name: "q",
        takes: "the words to search for, or their starts: a text of 1 to 256 bytes with a letter or a digit",
        repeats: false,
        read: |draft, text| {
            let filter = std::mem::take(&mut draft.filter).search(name(text)?);
            draft.filter = Some(filter).filter(|filter| !filter.words().is_empty())?;
            Some(())
        },
    },
    Parameter {
        name: "from",
        takes: TIME,
        repeats: false,
        read: |draft, text| {
            draft.from = Some(text.parse().ok()?);
            Some(())
        },
    },
    Parameter {
        name: "to",
        takes: TIME,
        repeats: false,
        read: |draft, text| {
            draft.to = Some(text.parse().ok()?);
            Some(())
        },
    },
    Parameter {
        name: "last",
        takes: "a whole number of seconds, minutes, hours or days, such as `90s`, `15m`, `24h` or `7d`",
        repeats: false,
        read: |draft, text| {
            draft.last = Some(duration(text).filter(|last| !last.is_zero())?);
            Some(())
        },
    },
];

fn name(text: &str) -> Option<&str> {
    exact(text, limits::NAME_BYTES)
}

/// A text that a record can hold: one that is longer was cut, and no store keeps NUL.
fn exact(text: &str, limit: usize) -> Option<&str> {
    let fits = (1..=limit).contains(&text.len()) && !text.contains('\0');
    fits.then_some(text)
}

fn trace_id(text: &str) -> Option<String> {
    let digits = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    digits.then(|| text.to_ascii_lowercase())
}

/// An address or a network, as records have them: those of version 4 never in version 6's clothes.
fn network(text: &str) -> Option<IpNet> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address.to_canonical().into());
    }
    let network: IpNet = text.parse().ok()?;
    match (
        network.addr().to_canonical(),
        network.prefix_len().checked_sub(96),
    ) {
        (IpAddr::V4(address), Some(length)) if network.addr().is_ipv6() => {
            IpNet::new(address.into(), length).ok()
        }
        _ => Some(network),
    }
}

pub(super) fn number(text: &str) -> Option<u64> {
    // `parse` alone would take a sign.
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok())?
}

pub(super) fn duration(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (count, unit) = text.split_at_checked(digits)?;
    let count = number(count)?;
    let seconds = match unit {
        "us" => return Some(Duration::from_micros(count)),
        "ms" => return Some(Duration::from_millis(count)),
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return None,
    };
    count.checked_mul(seconds).map(Duration::from_secs)
}
