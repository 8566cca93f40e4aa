//! Connection strings: what `tokio_postgres` reads, plus `sslmode` and
//! `sslrootcert` as libpq means them.

use std::borrow::Cow;
use std::error::Error as _;
use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use tokio_postgres::Config;
use tokio_postgres::config::Host;

use crate::Error;

/// Where to connect to, and how securely.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) config: Config,
    pub(super) security: Security,
}

/// How a connection is secured, after
/// [libpq](https://www.postgresql.org/docs/current/libpq-ssl.html#LIBPQ-SSL-SSLMODE-STATEMENTS).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Security {
    /// Never encrypted.
    Disable,
    /// Encrypted if the server insists.
    Allow,
    /// Encrypted if the server can.
    Prefer,
    /// Encrypted, whoever the server is.
    Require,
    /// Encrypted, with a certificate of a known authority.
    VerifyCa(Roots),
    /// Encrypted, with a certificate of a known authority for this host.
    VerifyFull(Roots),
}

/// The authorities that are trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Roots {
    /// Those of the operating system.
    System,
    /// Those in a PEM file.
    File(PathBuf),
}

/// Reads a connection string. No error quotes it, for a slip of the pen can
/// make a password look like any other part.
pub(super) fn parse(url: &str) -> Result<Target, Error> {
    let (rest, [mode, roots]) = match after_scheme(url) {
        Some(start) => take_from_query(url, start)?,
        None => take_from_pairs(url)?,
    };
    let mut config: Config = rest.parse().map_err(|error| unreadable(&error))?;
    if config.get_hosts().is_empty() {
        if config.get_hostaddrs().is_empty() {
            return Err(Error::configuration("the database url names no host"));
        }
        for address in config.get_hostaddrs().to_vec() {
            config.host(address.to_string());
        }
    }
    let mut security = security(mode.as_deref(), roots)?;
    // As in libpq, the mode is ignored where only this machine listens.
    if config.get_hosts().iter().all(is_local) {
        security = Security::Disable;
    }
    Ok(Target { config, security })
}

fn is_local(host: &Host) -> bool {
    !matches!(host, Host::Tcp(_))
}

type Taken = [Option<String>; 2];
const TAKEN: [&str; 2] = ["sslmode", "sslrootcert"];

fn after_scheme(url: &str) -> Option<usize> {
    let schemes = ["postgres://", "postgresql://"];
    let scheme = schemes.iter().find(|scheme| url.starts_with(**scheme))?;
    Some(scheme.len())
}

fn take_from_query(url: &str, start: usize) -> Result<(String, Taken), Error> {
    let mut taken = Taken::default();
    // The same borders as `tokio_postgres` sees: credentials end at the first `@`.
    let host = url[start..].find('@').map_or(start, |at| start + at + 1);
    let mark = url[host..].find('?').map_or(url.len(), |mark| host + mark);
    // A password with a bare `@`: what follows would pass for the host, and be shown.
    if url[host..mark].contains('@') {
        return Err(malformed());
    }
    let mut kept = Vec::new();
    let pairs = url[mark..].trim_start_matches('?').split('&');
    for pair in pairs.filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').ok_or_else(malformed)?;
        match TAKEN.iter().position(|name| decode(key) == *name) {
            Some(place) => taken[place] = Some(decode(value).into_owned()),
            None => kept.push(pair),
        }
    }
    Ok((format!("{}?{}", &url[..mark], kept.join("&")), taken))
}

fn decode(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8_lossy()
}

fn take_from_pairs(text: &str) -> Result<(String, Taken), Error> {
    let mut taken = Taken::default();
    let mut kept = String::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=').ok_or_else(malformed)?;
        let after = after.trim_start();
        let (value, length) = pair_value(after)?;
        let (raw, next) = after.split_at(length);
        match TAKEN.iter().position(|name| key.trim() == *name) {
            Some(place) => taken[place] = Some(value),
            None => kept.push_str(&format!("{}={raw} ", key.trim())),
        }
        rest = next.trim_start();
    }
    Ok((kept, taken))
}

/// The value that `text` starts with, unquoted, and how many bytes it takes there.
fn pair_value(text: &str) -> Result<(String, usize), Error> {
    let quoted = text.starts_with('\'');
    let mut value = String::new();
    let mut characters = text.char_indices().skip(usize::from(quoted));
    while let Some((place, character)) = characters.next() {
        match character {
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            '\'' if quoted => return Ok((value, place + 1)),
            space if !quoted && space.is_whitespace() => return Ok((value, place)),
            other => value.push(other),
        }
    }
    if quoted {
        return Err(malformed());
    }
    Ok((value, text.len()))
}

fn security(mode: Option<&str>, roots: Option<String>) -> Result<Security, Error> {
    let roots = roots.map(|roots| match roots.as_str() {
        "system" => Roots::System,
        path => Roots::File(path.into()),
    });
    if roots == Some(Roots::System) && !matches!(mode, None | Some("verify-full")) {
        return Err(Error::configuration(
            "sslrootcert=system needs sslmode=verify-full, for anybody can have a certificate of a public authority",
        ));
    }
    Ok(match (mode, roots) {
        (None, Some(Roots::System)) => Security::VerifyFull(Roots::System),
        (Some("disable"), _) => Security::Disable,
        (Some("allow"), _) => Security::Allow,
        (None | Some("prefer"), _) => Security::Prefer,
        (Some("require"), None) => Security::Require,
        (Some("require"), Some(roots)) => Security::VerifyCa(roots),
        (Some("verify-ca"), roots) => Security::VerifyCa(roots.unwrap_or(Roots::System)),
        (Some("verify-full"), roots) => Security::VerifyFull(roots.unwrap_or(Roots::System)),
        (Some(_), _) => {
            return Err(Error::configuration(
                "unknown sslmode in the database url: expected disable, allow, prefer, require, verify-ca or verify-full",
            ));
        }
    })
}

fn malformed() -> Error {
    Error::configuration(
        "the database url cannot be read: expected postgres://user:password@host:port/database, with special characters percent-encoded",
    )
}

/// What `tokio_postgres` dislikes, as far as it cannot be part of a password.
fn unreadable(error: &tokio_postgres::Error) -> Error {
    let reason = error.source().map(ToString::to_string).unwrap_or_default();
    if reason.starts_with("invalid value for option `") {
        return Error::configuration(format!("the database url has an {reason}"));
    }
    let unknown = UNSUPPORTED
        .iter()
        .find(|name| reason == format!("unknown option `{name}`"));
    match unknown {
        Some(name) => Error::configuration(format!(
            "the database url sets {name}, which is not supported"
        )),
        None => malformed(),
    }
}

/// Options of libpq that people do set and `tokio_postgres` does not know.
const UNSUPPORTED: [&str; 14] = [
    "fallback_application_name",
    "gssencmode",
    "krbsrvname",
    "passfile",
    "replication",
    "requiressl",
    "service",
    "sslcert",
    "sslcompression",
    "sslcrl",
    "sslkey",
    "sslpassword",
    "sslsni",
    "ssl_min_protocol_version",
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn security_of(url: &str) -> Security {
        parse(url).expect(url).security
    }

    #[test]
    fn sslmode_has_the_meaning_of_libpq_in_both_forms() {
        let file = || Roots::File("/etc/ca.pem".into());
        for (pairs, expected) in [
            ("", Security::Prefer),
            ("sslmode=disable", Security::Disable),
            ("sslmode=allow", Security::Allow),
            ("sslmode=require", Security::Require),
            (
                "sslmode=require sslrootcert=/etc/ca.pem",
                Security::VerifyCa(file()),
            ),
            (
                "sslmode=verify-ca sslrootcert='/etc/ca.pem'",
                Security::VerifyCa(file()),
            ),
            ("sslmode=verify-full", Security::VerifyFull(Roots::System)),
            ("sslrootcert=system", Security::VerifyFull(Roots::System)),
        ] {
            assert_eq!(security_of(&format!("host=db {pairs} user=x")), expected);
            let query = pairs
                .replace(' ', "&")
                .replace('\'', "")
                .replace('/', "%2F");
            assert_eq!(
                security_of(&format!("postgres://x:y@db/z?{query}")),
                expected
            );
        }
    }

    #[test]
    fn an_encoded_name_of_the_mode_does_not_weaken_it() {
        assert_eq!(
            security_of("postgres://db?ssl%6dode=require"),
            Security::Require
        );
    }

    #[test]
    fn other_parameters_stay() {
        let target = parse("postgres://u:p@db/x?sslmode=require&connect_timeout=3").unwrap();
        assert_eq!(target.config.get_connect_timeout().unwrap().as_secs(), 3);
        let target = parse("host=db sslmode = require password='a b\\'c' user=u").unwrap();
        assert_eq!(target.config.get_password(), Some(&b"a b'c"[..]));
        assert_eq!(target.config.get_user(), Some("u"));
    }

    #[test]
    fn a_socket_needs_no_encryption() {
        assert_eq!(
            security_of("host=/run/postgresql sslmode=verify-full"),
            Security::Disable
        );
    }

    #[test]
    fn a_broken_url_is_one_sentence_without_the_password() {
        for url in [
            "",
            "hunter2",
            "mysql://app:hunter2@db/app",
            "postgres://app:hunter2@db:port/app",
            "postgres://app:hu@hunter2/x?hunter2=1",
            "postgres://app:x@db/app?hunter2",
            "postgres://app:x@db/app?sslmode=hunter2",
            "postgres://app:hu@hunter2/er@db/app",
            "postgres://app:%ff@db/%ff",
            "postgres://app:x@db/app?sslmode=require&sslrootcert=system",
            "host=db password='hunter2",
            "host=db hunter2",
            "user=app password=hunter2",
        ] {
            let error = parse(url).expect_err(url);
            assert_eq!(error.code(), "configuration");
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("hunter2"), "{shown}");
            assert!(!error.to_string().contains('\n'));
        }
    }

    #[test]
    fn an_option_that_is_missing_here_is_named() {
        let error = parse("postgres://db?sslcert=x").unwrap_err();
        assert!(error.to_string().contains("sslcert"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_without_a_panic(text in ".{0,60}") {
            let _ = parse(&text);
            let _ = parse(&format!("postgres://{text}"));
        }
    }
}
