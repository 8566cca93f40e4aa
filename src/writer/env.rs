//! What operators tune, from the environment.

use std::env;
use std::ffi::OsString;
use std::time::Duration;

use super::builder::AuditorBuilder;
use super::durability::Durability;
use crate::{Error, Overflow};

impl AuditorBuilder {
    /// Takes over what is set in the environment. What is called before it
    /// gives way to a variable that is set, what is called after it has the last word.
    ///
    /// | Variable | Setting | Example |
    /// |---|---|---|
    /// | `AUDIT_QUEUE_SIZE` | [`max_queue_size`](Self::max_queue_size) | `100000` |
    /// | `AUDIT_QUEUE_BYTES` | [`max_queue_bytes`](Self::max_queue_bytes) | `64MiB` |
    /// | `AUDIT_BATCH_SIZE` | [`max_batch_size`](Self::max_batch_size) | `4000` |
    /// | `AUDIT_BATCH_BYTES` | [`max_batch_bytes`](Self::max_batch_bytes) | `8MiB` |
    /// | `AUDIT_BATCH_DELAY` | [`max_batch_delay`](Self::max_batch_delay) | `200ms` |
    /// | `AUDIT_APPEND_TIMEOUT` | [`append_timeout`](Self::append_timeout) | `30s` |
    /// | `AUDIT_CAPTURE_BUDGET` | [`capture_budget`](Self::capture_budget) | `32MiB` |
    /// | `AUDIT_JOURNAL_DIR` | [`journal`](Self::journal) | `/var/lib/app/audit` |
    /// | `AUDIT_DURABILITY` | [`durability`](Self::durability) | `memory`, `spill`, `journal`, `synced:1s`, `strict` |
    /// | `AUDIT_JOURNAL_MAX_BYTES` | [`journal_max_bytes`](Self::journal_max_bytes) | `1GiB` |
    /// | `AUDIT_JOURNAL_MIN_FREE_BYTES` | [`journal_min_free_bytes`](Self::journal_min_free_bytes) | `256MiB` |
    /// | `AUDIT_SINK_BUFFER` | [`sink_buffer`](Self::sink_buffer) | `1024` |
    /// | `AUDIT_OVERFLOW` | the [overflow](crate::PolicyBuilder::overflow) of the policy | `drop_newest`, `wait:500ms`, `reject` |
    /// | `AUDIT_TRUSTED_PROXIES` | [`trust_proxies`](Self::trust_proxies), added to those that are set | `10.0.0.0/8,192.0.2.1` |
    /// | `AUDIT_CLIENT_IP_HEADER` | [`client_ip_header`](Self::client_ip_header) | `x-real-ip` |
    ///
    /// Sizes are bytes, or have one of the units `KiB`, `MiB`, `GiB`; times
    /// have one of `ms`, `s`, `m`, `h`. A variable that is empty counts as not set.
    ///
    /// # Errors
    /// If a value cannot be read or makes no sense; the message names the
    /// variable and says what it takes.
    ///
    /// # Security
    /// Whoever sets the environment of the service can do this, too.
    pub fn from_env(self) -> Result<Self, Error> {
        self.tuned_by(|name| env::var_os(name))
    }

    fn tuned_by(mut self, lookup: impl Fn(&str) -> Option<OsString>) -> Result<Self, Error> {
        let settings = &mut self.settings;
        let numbers = [
            ("AUDIT_QUEUE_SIZE", &mut settings.max_queue_size),
            ("AUDIT_BATCH_SIZE", &mut settings.max_batch_size),
            ("AUDIT_SINK_BUFFER", &mut settings.sink_buffer),
        ];
        for (name, setting) in numbers {
            set(setting, read(&lookup, name, "a whole number", number)?);
        }
        let sizes = [
            ("AUDIT_QUEUE_BYTES", &mut settings.max_queue_bytes),
            ("AUDIT_BATCH_BYTES", &mut settings.max_batch_bytes),
            ("AUDIT_CAPTURE_BUDGET", &mut settings.capture_budget),
        ];
        for (name, setting) in sizes {
            set(setting, read(&lookup, name, "a size such as 64MiB", size)?);
        }
        let journal_sizes = [
            ("AUDIT_JOURNAL_MAX_BYTES", &mut settings.journal_max_bytes),
            (
                "AUDIT_JOURNAL_MIN_FREE_BYTES",
                &mut settings.journal_min_free_bytes,
            ),
        ];
        for (name, setting) in journal_sizes {
            let bytes = read(&lookup, name, "a size such as 1GiB", size)?;
            set(setting, bytes.map(|bytes| bytes as u64));
        }
        let times = [
            ("AUDIT_BATCH_DELAY", &mut settings.max_batch_delay),
            ("AUDIT_APPEND_TIMEOUT", &mut settings.append_timeout),
        ];
        for (name, setting) in times {
            set(setting, read(&lookup, name, "a time such as 200ms", time)?);
        }
        self.settings.check().map_err(|error| {
            let variable = variable_of(error.parameter().unwrap_or_default());
            Error::invalid_input(variable, format!("{variable}: {error}"))
        })?;
        // Any path will do, also one that is no UTF-8.
        if let Some(directory) = lookup("AUDIT_JOURNAL_DIR").filter(|path| !path.is_empty()) {
            self = self.journal(directory);
        }
        let takes = "memory, spill, journal, synced:1s or strict";
        if let Some(durability) = read(&lookup, "AUDIT_DURABILITY", takes, durability)? {
            self = self.durability(durability);
        }
        let takes = "drop_newest, wait:500ms or reject";
        if let Some(overflow) = read(&lookup, "AUDIT_OVERFLOW", takes, overflow)? {
            self.policy = self.policy.with_overflow(overflow);
        }
        let text = |text: &str| Some(text.to_owned());
        let takes = "networks and addresses with commas between, such as 10.0.0.0/8";
        if let Some(proxies) = read(&lookup, "AUDIT_TRUSTED_PROXIES", takes, text)? {
            let proxies = proxies.split(',').map(str::trim);
            self = self
                .trust_proxies(proxies)
                .map_err(|error| refused("AUDIT_TRUSTED_PROXIES", takes, Some(error)))?;
        }
        let takes = "the name of a header, such as x-real-ip";
        if let Some(header) = read(&lookup, "AUDIT_CLIENT_IP_HEADER", takes, text)? {
            self = self
                .client_ip_header(&header)
                .map_err(|error| refused("AUDIT_CLIENT_IP_HEADER", takes, Some(error)))?;
        }
        Ok(self)
    }
}

/// The variable that a setting is read from.
fn variable_of(parameter: &'static str) -> &'static str {
    match parameter {
        "max_queue_size" => "AUDIT_QUEUE_SIZE",
        "max_queue_bytes" => "AUDIT_QUEUE_BYTES",
        "max_batch_size" => "AUDIT_BATCH_SIZE",
        "max_batch_bytes" => "AUDIT_BATCH_BYTES",
        "max_batch_delay" => "AUDIT_BATCH_DELAY",
        "append_timeout" => "AUDIT_APPEND_TIMEOUT",
        "capture_budget" => "AUDIT_CAPTURE_BUDGET",
        "journal_max_bytes" => "AUDIT_JOURNAL_MAX_BYTES",
        "sink_buffer" => "AUDIT_SINK_BUFFER",
        _ => parameter,
    }
}

/// Reads a variable, if it is set. `takes` says what it takes.
fn read<T>(
    lookup: impl Fn(&str) -> Option<OsString>,
    name: &'static str,
    takes: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, Error> {
    let Some(value) = lookup(name).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let parsed = value.to_str().and_then(|text| parse(text.trim()));
    parsed.map(Some).ok_or_else(|| refused(name, takes, None))
}

// Without the value: it may be that of another variable, a secret one, by mistake.
fn refused(name: &'static str, takes: &str, cause: Option<Error>) -> Error {
    let error = Error::invalid_input(name, format!("{name} must be {takes}"));
    match cause {
        Some(cause) => error.caused_by(cause),
        None => error,
    }
}

fn set<T>(setting: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *setting = value;
    }
}

fn number(text: &str) -> Option<usize> {
    text.parse().ok()
}

/// Bytes, with or without a unit.
fn size(text: &str) -> Option<usize> {
    let units = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];
    let (number, unit) = split_unit(text, &units).unwrap_or((text, 1));
    number.parse::<usize>().ok()?.checked_mul(unit)
}

fn time(text: &str) -> Option<Duration> {
    let units = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)];
    let (number, unit) = split_unit(text, &units)?;
    let millis = number.parse::<u64>().ok()?.checked_mul(unit)?;
    Some(Duration::from_millis(millis))
}

/// The number before a unit, and what the unit stands for.
fn split_unit<'a, T: Copy>(text: &'a str, units: &[(&str, T)]) -> Option<(&'a str, T)> {
    units
        .iter()
        .find_map(|(name, unit)| Some((text.strip_suffix(name)?.trim_end(), *unit)))
}

fn durability(text: &str) -> Option<Durability> {
    match text {
        "memory" => Some(Durability::Memory),
        "spill" => Some(Durability::Spill),
        "journal" => Some(Durability::Journal),
        "strict" => Some(Durability::Strict),
        _ => {
            let interval = time(text.strip_prefix("synced:")?)?;
            let durability = Durability::Synced(interval);
            durability.check().is_ok().then_some(durability)
        }
    }
}

fn overflow(text: &str) -> Option<Overflow> {
    match text {
        "drop_newest" => Some(Overflow::DropNewest),
        "reject" => Some(Overflow::Reject),
        _ => Some(Overflow::Wait(time(text.strip_prefix("wait:")?)?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_from(variables: &[(&str, &str)]) -> Result<AuditorBuilder, Error> {
        AuditorBuilder::default().tuned_by(|name| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| value.into())
        })
    }

    #[test]
    fn what_is_set_is_taken_over_and_all_else_stays() {
        let builder = read_from(&[
            ("AUDIT_QUEUE_SIZE", "7"),
            ("AUDIT_QUEUE_BYTES", " 3 MiB "),
            ("AUDIT_BATCH_BYTES", "4096"),
            ("AUDIT_BATCH_DELAY", "50ms"),
            ("AUDIT_APPEND_TIMEOUT", "2m"),
            ("AUDIT_CAPTURE_BUDGET", ""),
            ("AUDIT_JOURNAL_DIR", "/var/lib/app"),
            ("AUDIT_DURABILITY", "synced:20ms"),
            ("AUDIT_JOURNAL_MAX_BYTES", "2GiB"),
            ("AUDIT_SINK_BUFFER", "9"),
            ("AUDIT_OVERFLOW", "wait:1s"),
            ("AUDIT_TRUSTED_PROXIES", "10.0.0.0/8, 192.0.2.1"),
            ("AUDIT_CLIENT_IP_HEADER", "X-Real-IP"),
        ])
        .unwrap();
        let settings = builder.settings;
        assert_eq!(
            (settings.max_queue_size, settings.max_queue_bytes),
            (7, 3 << 20)
        );
        assert_eq!(
            (settings.max_batch_size, settings.max_batch_bytes),
            (4_000, 4_096)
        );
        assert_eq!(settings.max_batch_delay, Duration::from_millis(50));
        assert_eq!(settings.append_timeout, Duration::from_secs(120));
        assert_eq!(
            (settings.capture_budget, settings.sink_buffer),
            (32 << 20, 9)
        );
        assert_eq!(settings.journal_max_bytes, 2 << 30);
        assert_eq!(builder.journal.as_deref(), Some("/var/lib/app".as_ref()));
        let synced = Durability::Synced(Duration::from_millis(20));
        assert_eq!(builder.durability, Some(synced));
        assert_eq!(builder.client_ip.header_name(), "x-real-ip");
        assert!(!builder.policy.records_everything());
    }

    #[test]
    fn what_cannot_be_read_names_the_variable_and_what_it_takes_but_not_the_value() {
        for (name, value, expected) in [
            ("AUDIT_QUEUE_SIZE", "hunter2", "must be a whole number"),
            ("AUDIT_QUEUE_SIZE", "-1", "must be a whole number"),
            ("AUDIT_QUEUE_SIZE", "0", "max_queue_size must be at least 1"),
            ("AUDIT_SINK_BUFFER", "0", "sink_buffer must be at least 1"),
            ("AUDIT_QUEUE_BYTES", "hunter2", "a size such as 64MiB"),
            ("AUDIT_QUEUE_BYTES", "64MB", "a size such as 64MiB"),
            (
                "AUDIT_QUEUE_BYTES",
                "99999999999GiB",
                "a size such as 64MiB",
            ),
            (
                "AUDIT_QUEUE_BYTES",
                "1KiB",
                "max_queue_bytes must be at least",
            ),
            ("AUDIT_BATCH_DELAY", "200", "a time such as 200ms"),
            ("AUDIT_BATCH_DELAY", "2h", "max_batch_delay must be from"),
            ("AUDIT_APPEND_TIMEOUT", "0s", "append_timeout must be from"),
            (
                "AUDIT_OVERFLOW",
                "wait",
                "drop_newest, wait:500ms or reject",
            ),
            (
                "AUDIT_DURABILITY",
                "hunter2",
                "memory, spill, journal, synced",
            ),
            (
                "AUDIT_DURABILITY",
                "synced:0s",
                "memory, spill, journal, synced",
            ),
            (
                "AUDIT_JOURNAL_MAX_BYTES",
                "1KiB",
                "journal_max_bytes must be at least",
            ),
            ("AUDIT_TRUSTED_PROXIES", "hunter2", "10.0.0.0/8"),
            ("AUDIT_TRUSTED_PROXIES", "10.0.0.0/8,", "10.0.0.0/8"),
            ("AUDIT_CLIENT_IP_HEADER", "hunter2 x", "such as x-real-ip"),
        ] {
            let Err(error) = read_from(&[(name, value)]) else {
                panic!("{name}={value} is refused");
            };
            let message = error.to_string();
            assert!(
                message.starts_with(name) && message.contains(expected),
                "{message}"
            );
            assert!(!message.contains("hunter2"), "{message}");
            assert_eq!(error.parameter(), Some(name));
        }
    }
}
