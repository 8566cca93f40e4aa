//! The client's address, as far as the proxies on the way can be believed.
//!
//! Each proxy appends the address it was called from. Only the part of the
//! chain that trusted proxies wrote can be believed, and that part is at its
//! end: so the walk goes from the right, past trusted addresses, and the
//! first other one is the client. One configured header is read and no
//! other, because every header that the proxies do not write is the client's to forge.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use http::HeaderName;
use ipnet::IpNet;

use super::Found;
use crate::Error;

/// Whom to believe, and where they write it.
#[derive(Clone, Debug)]
pub(in crate::writer) struct ClientIp {
    trusted: Vec<IpNet>,
    header: HeaderName,
}

/// Hops that are looked at; a real chain has a handful.
const MAX_HOPS: usize = 64;

impl Default for ClientIp {
    fn default() -> Self {
        Self {
            trusted: Vec::new(),
            header: HeaderName::from_static("x-forwarded-for"),
        }
    }
}

impl ClientIp {
    pub(in crate::writer) fn trust<'a>(
        mut self,
        networks: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, Error> {
        for text in networks {
            let network = text
                .parse::<IpNet>()
                .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
                .map_err(|_| {
                    Error::invalid_input(
                        "trust_proxies",
                        format!("{text:?} is neither a network such as 10.0.0.0/8 nor an address"),
                    )
                })?;
            self.trusted.push(canonical_network(network));
        }
        Ok(self)
    }

    pub(in crate::writer) fn header(mut self, name: &str) -> Result<Self, Error> {
        self.header = HeaderName::from_str(name).map_err(|_| {
            Error::invalid_input(
                "client_ip_header",
                format!("{name:?} is not the name of a header"),
            )
        })?;
        Ok(self)
    }

    pub(in crate::writer) fn header_name(&self) -> &HeaderName {
        &self.header
    }

    /// Walks the chain of the header's lines, in the order in which they were sent.
    pub(super) fn find(&self, peer: IpAddr, lines: &[&[u8]]) -> Found {
        let mut found = Found {
            address: peer.to_canonical(),
            malformed: false,
        };
        let is_forwarded = self.header == http::header::FORWARDED;
        let mut hops_left = MAX_HOPS;
        for line in lines.iter().rev() {
            let hops = if is_forwarded {
                split(line, b',')
            } else {
                Some(commas(line))
            };
            // A quote that does not end may have swallowed what proxies wrote.
            let Some(hops) = hops else {
                found.malformed = self.is_trusted(found.address);
                return found;
            };
            for hop in hops.into_iter().rev() {
                if !self.is_trusted(found.address) || hops_left == 0 {
                    return found;
                }
                hops_left -= 1;
                let address = if is_forwarded {
                    forwarded_for(hop)
                } else {
                    Some(hop)
                };
                let Some(address) = address.and_then(parse_address) else {
                    found.malformed = true;
                    return found;
                };
                found.address = address;
            }
        }
        found
    }

    fn is_trusted(&self, address: IpAddr) -> bool {
        self.trusted
            .iter()
            .any(|network| network.contains(&address))
    }
}

/// `::ffff:10.0.0.0/104` is `10.0.0.0/8`: addresses are compared in their short form.
fn canonical_network(network: IpNet) -> IpNet {
    let IpNet::V6(v6) = network else {
        return network;
    };
    match (v6.addr().to_ipv4_mapped(), v6.prefix_len().checked_sub(96)) {
        (Some(v4), Some(prefix)) => IpNet::new(v4.into(), prefix).unwrap_or(network),
        _ => network,
    }
}

fn commas(line: &[u8]) -> Vec<&[u8]> {
    line.split(|byte| *byte == b',').collect()
}

/// Splits at a separator, save for those in quoted strings (RFC 9110,
/// section 5.6.4). `None` if a quoted string does not end.
fn split(text: &[u8], separator: u8) -> Option<Vec<&[u8]>> {
    let (mut parts, mut start, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, byte) in text.iter().enumerate() {
        if escaped {
            escaped = false;
        } else if quoted && *byte == b'\\' {
            escaped = true;
        } else if *byte == b'"' {
            quoted = !quoted;
        } else if !quoted && *byte == separator {
            parts.push(&text[start..at]);
            start = at + 1;
        }
    }
    parts.push(&text[start..]);
    (!quoted).then_some(parts)
}

/// The value of `for` in an element of the `Forwarded` header (RFC 7239, section 4).
fn forwarded_for(element: &[u8]) -> Option<&[u8]> {
    split(element, b';')?.into_iter().find_map(|pair| {
        let (name, value) = pair.trim_ascii().split_at_checked(4)?;
        name.eq_ignore_ascii_case(b"for=").then_some(value)
    })
}

/// An address, perhaps quoted, in brackets, or with a port.
fn parse_address(hop: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(hop).ok()?.trim_matches([' ', '\t']);
    let text = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .unwrap_or(text);
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let address = text
        .parse::<IpAddr>()
        .ok()
        .or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
        .or_else(bracketed)?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn proxied() -> ClientIp {
        ClientIp::default()
            .trust(["10.0.0.0/8", "2001:db8:ffff::/48"])
            .unwrap()
    }

    fn find(rule: &ClientIp, peer: &str, lines: &[&str]) -> (String, bool) {
        let lines: Vec<&[u8]> = lines.iter().map(|line| line.as_bytes()).collect();
        let found = rule.find(peer.parse().unwrap(), &lines);
        (found.address.to_string(), found.malformed)
    }

    #[test]
    fn the_first_untrusted_address_from_the_right_is_the_client() {
        for (peer, lines, client) in [
            ("10.0.0.1", &["6.6.6.6", "192.0.2.1"][..], "192.0.2.1"),
            ("10.0.0.1", &["6.6.6.6, 192.0.2.1, 10.0.0.2"], "192.0.2.1"),
            ("10.0.0.1", &["192.0.2.1:4711"], "192.0.2.1"),
            ("10.0.0.1", &["\"[2001:db8::1]:443\""], "2001:db8::1"),
            ("10.0.0.1", &["[2001:db8::1]"], "2001:db8::1"),
            ("::ffff:10.0.0.1", &["192.0.2.1"], "192.0.2.1"),
            ("10.0.0.1", &["::ffff:192.0.2.1"], "192.0.2.1"),
            ("2001:db8:ffff::1", &["192.0.2.1"], "192.0.2.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ] {
            assert_eq!(
                find(&proxied(), peer, lines),
                (client.to_owned(), false),
                "{peer} {lines:?}"
            );
        }
    }

    #[test]
    fn a_hop_that_cannot_be_read_stops_the_walk_at_the_last_trusted_one() {
        for lines in [
            &["garbage, 10.0.0.2"][..],
            &["6.6.6.6,, 10.0.0.2"],
            &["unknown", "10.0.0.2"],
        ] {
            assert_eq!(
                find(&proxied(), "10.0.0.1", lines),
                ("10.0.0.2".to_owned(), true),
                "{lines:?}"
            );
        }
    }

    #[test]
    fn forwarded_is_read_only_where_it_is_the_configured_header() {
        let rule = proxied().header("Forwarded").unwrap();
        let line = "for=6.6.6.6, For=\"[2001:db8::1]:4711\";proto=https, for=10.0.0.2;by=10.0.0.1";
        assert_eq!(
            find(&rule, "10.0.0.1", &[line]),
            ("2001:db8::1".to_owned(), false)
        );
        assert_eq!(
            find(&rule, "10.0.0.1", &["for=_hidden"]),
            ("10.0.0.1".to_owned(), true)
        );
    }

    #[test]
    fn separators_in_quoted_strings_separate_nothing() {
        let rule = proxied().header("forwarded").unwrap();
        let hosts = [
            "a,for=6.6.6.6;x=",
            r#"a\",for=6.6.6.6,b=\"c"#,
            ";for=6.6.6.6",
            "a",
        ];
        for host in hosts {
            let line = format!(r#"for=192.0.2.1;host="{host}""#);
            assert_eq!(
                find(&rule, "10.0.0.1", &[&line]),
                ("192.0.2.1".to_owned(), false),
                "{line}"
            );
        }
        let open = r#"for=6.6.6.6, for=192.0.2.1;host="a"#;
        assert_eq!(
            find(&rule, "10.0.0.1", &[open]),
            ("10.0.0.1".to_owned(), true)
        );
    }

    #[test]
    fn ten_thousand_hops_are_not_walked() {
        let chain = vec!["10.0.0.9"; 10_000].join(",");
        assert_eq!(find(&proxied(), "10.0.0.1", &[&chain]).0, "10.0.0.9");
    }

    #[test]
    fn a_mapped_network_is_the_network_that_it_maps() {
        let rule = ClientIp::default().trust(["::ffff:10.0.0.0/104"]).unwrap();
        assert_eq!(find(&rule, "10.1.2.3", &["192.0.2.1"]).0, "192.0.2.1");
    }

    #[test]
    fn what_is_no_network_is_refused_by_name() {
        let error = ClientIp::default()
            .trust(["10.0.0.0/8", "10.0.0.0/99"])
            .unwrap_err();
        assert!(error.to_string().contains("10.0.0.0/99"), "{error}");
        assert!(ClientIp::default().header("x forwarded").is_err());
    }

    proptest! {
        #[test]
        fn an_untrusted_peer_is_the_client_whatever_the_headers_say(lines in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..5)) {
            let lines: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
            let peer = IpAddr::from([192, 0, 2, 77]);
            let found = proxied().find(peer, &lines);
            prop_assert_eq!(found, Found { address: peer, malformed: false });
        }

        #[test]
        fn any_bytes_from_a_trusted_peer_are_survived(line in prop::collection::vec(any::<u8>(), 0..200)) {
            proxied().find(IpAddr::from([10, 0, 0, 1]), &[&line]);
        }
    }
}
