//! Where FreeSWITCH's SIP and media go: from addresses that its machine has, and not back to itself.

use std::{
    io::ErrorKind,
    net::{IpAddr, SocketAddr, UdpSocket},
};

use super::{global, resolved};
use crate::{
    finding::Finding,
    inbound::{Inbound, InboundError},
    settings::Settings,
    switch::Gateway,
};

/// Where SIP goes without a port; with TLS.
const PORTS: [u16; 2] = [5060, 5061];

/// What can be told of the gateway's profile. What is wrong with the gateway itself is told elsewhere.
///
/// # Errors
/// When it cannot be asked any more.
pub(super) async fn compare(
    settings: &Settings,
    switch: &mut Inbound,
) -> Result<Vec<Finding>, InboundError> {
    let name = &settings.switch.gateway.0;
    let answer = switch.ask(&format!("sofia status gateway {name}")).await?;
    let (Gateway::There { proxy, .. }, Some(profile)) =
        (Gateway::read(&answer), values(&answer, "Profile").next())
    else {
        return Ok(Vec::new());
    };
    let carrier = match &proxy {
        Some(proxy) => places(proxy).await,
        None => Vec::new(),
    };
    let mut findings = Vec::new();
    if let Some(problem) = leads_back(settings, switch, &carrier).await? {
        findings.push(Finding::fail(
            "proxy",
            format!("the gateway {name} leads back here: {problem}"),
            "start FreeSWITCH with CARRIER_PROXY=the carrier's address",
        ));
    } else {
        findings.extend(kept_out(switch, &carrier).await?);
    }
    let answer = switch.ask(&format!("sofia status profile {profile}")).await?;
    let addresses = |key| values(&answer, key).filter_map(|value| value.parse().ok()).collect();
    let (media, outside): (Vec<IpAddr>, Vec<IpAddr>) =
        (addresses("RTP-IP"), addresses("Ext-RTP-IP"));
    let hostname = switch.ask("hostname").await?;
    findings.extend(judge(&media, &outside, &carrier, is_here(settings, hostname.trim())));
    Ok(findings)
}

/// What `Key \tvalue` lines of an answer say.
fn values<'a>(answer: &'a str, key: &str) -> impl Iterator<Item = &'a str> {
    answer.lines().filter_map(move |line| {
        let (found, value) = line.split_once('\t')?;
        (found.trim() == key).then(|| value.trim())
    })
}

/// The addresses behind `sip:user@host:port;transport=…`, all of it but the host optional.
async fn places(uri: &str) -> Vec<SocketAddr> {
    let (scheme, rest) = uri.split_once(':').unwrap_or_default();
    let (is_tls, uri) = match scheme {
        "sip" => (false, rest),
        "sips" => (true, rest),
        _ => (false, uri),
    };
    let uri = uri.rsplit_once('@').map_or(uri, |(_, host)| host);
    let host = uri.split([';', '?', '>']).next().unwrap_or_default().trim();
    let port = PORTS[usize::from(is_tls || uri.contains("transport=tls"))];
    if let Ok(address) = host.parse() {
        return vec![address];
    }
    let (host, port) = match host.rsplit_once(':') {
        Some((name, number)) if !host.ends_with(']') && !name.contains(':') => {
            (name, number.parse().unwrap_or(port))
        }
        _ => (host, port),
    };
    let host = host.trim_matches(['[', ']']);
    let addresses = match host.parse::<IpAddr>() {
        Ok(address) => vec![address],
        Err(_) => resolved(host, port).await,
    };
    addresses.into_iter().map(|address| SocketAddr::new(address, port)).collect()
}

/// Who of us answers at the carrier's address: FreeSWITCH would take its own answer to OPTIONS for the
/// carrier's, and each call would come back.
async fn leads_back(
    settings: &Settings,
    switch: &mut Inbound,
    carrier: &[SocketAddr],
) -> Result<Option<String>, InboundError> {
    let is_carrier = |places: &[SocketAddr]| places.iter().any(|place| carrier.contains(place));
    let status = switch.ask("sofia status").await?;
    for line in status.lines() {
        let mut fields = line.split('\t').map(str::trim);
        let (Some(profile), Some("profile"), Some(uri)) =
            (fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        if is_carrier(&places(uri).await) {
            return Ok(Some(format!("{uri} is FreeSWITCH's own profile {profile}")));
        }
    }
    let controllers = global(switch, "controllers").await?.unwrap_or_default();
    for controller in controllers.split('|').map(str::trim).filter(|text| !text.is_empty()) {
        if is_carrier(&places(controller).await) {
            return Ok(Some(format!("{controller} is one of CONTROLLERS")));
        }
    }
    let own = [
        ("switch.listen", settings.switch.listen),
        ("switch.inbound", settings.switch.inbound),
        ("web.listen", settings.web.listen),
    ];
    let found = own.iter().find(|(_, address)| is_carrier(&[*address]));
    Ok(found.map(|(key, address)| format!("{address} is {key}")))
}

/// Whether the carrier could not call from where it is called. Some carriers call from elsewhere.
async fn kept_out(
    switch: &mut Inbound,
    carrier: &[SocketAddr],
) -> Result<Option<Finding>, InboundError> {
    let mut out: Vec<IpAddr> = Vec::new();
    for address in carrier.iter().map(SocketAddr::ip) {
        if !out.contains(&address)
            && switch.ask(&format!("acl {address} carrier")).await?.trim() == "false"
        {
            out.push(address);
        }
    }
    let Some(first) = out.first() else { return Ok(None) };
    let all = out.iter().map(IpAddr::to_string).collect::<Vec<_>>().join(", ");
    let length = if first.is_ipv4() { 32 } else { 128 };
    Ok(Some(Finding::warn(
        "proxy",
        format!(
            "calls go out to {all}; a call that comes from there is refused (403), for CARRIER_CIDR lacks it"
        ),
        format!(
            "start FreeSWITCH with {first}/{length} or its network in CARRIER_CIDR, unless this carrier \
             never calls from there"
        ),
    )))
}

/// Whether FreeSWITCH runs on this machine, and not in a container with addresses of its own.
fn is_here(settings: &Settings, hostname: &str) -> bool {
    let inbound = settings.switch.inbound.ip();
    (inbound.is_loopback() || is_ours(inbound))
        && rustix::system::uname().nodename().to_string_lossy() == hostname
}

/// Whether an address is this machine's. Where that cannot be found out it may be.
fn is_ours(address: IpAddr) -> bool {
    UdpSocket::bind((address, 0))
        .err()
        .is_none_or(|error| error.kind() != ErrorKind::AddrNotAvailable)
}

/// `outside`: what FreeSWITCH says of itself to the carrier in place of `media`.
fn judge(
    media: &[IpAddr],
    outside: &[IpAddr],
    carrier: &[SocketAddr],
    is_here: bool,
) -> Option<Finding> {
    const CHECK: &str = "media";
    let first = media.first()?;
    if !is_here {
        return Some(Finding::ok(
            CHECK,
            format!(
                "sound comes to {first} of FreeSWITCH's machine: `ustredna check --call` tries \
                 whether it has that address"
            ),
        ));
    }
    if let Some(strange) = media.iter().find(|address| !is_ours(**address)) {
        return Some(Finding::fail(
            CHECK,
            format!(
                "sound is to come to {strange}, which is no address of this machine: every call fails"
            ),
            "start FreeSWITCH with RTP_IP=an address of this machine that the carrier reaches",
        ));
    }
    let is_far = |place: &&SocketAddr| !place.ip().is_loopback() && !is_ours(place.ip());
    if media.iter().chain(outside).all(IpAddr::is_loopback)
        && let Some(carrier) = carrier.iter().find(is_far)
    {
        return Some(Finding::fail(
            CHECK,
            format!("the carrier at {} would be told to send sound to {first}", carrier.ip()),
            "start FreeSWITCH with RTP_IP=an address of this machine that the carrier reaches",
        ));
    }
    Some(Finding::ok(CHECK, format!("sound comes to {first}, an address of this machine")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Status;

    #[tokio::test]
    async fn a_carrier_s_address_is_read_in_all_its_forms() {
        for (uri, expected) in [
            ("sip:192.0.2.1", "192.0.2.1:5060"),
            ("192.0.2.1", "192.0.2.1:5060"),
            ("192.0.2.1:5090", "192.0.2.1:5090"),
            ("sip:192.0.2.1:5090;transport=tcp", "192.0.2.1:5090"),
            ("sip:192.0.2.1;transport=tls", "192.0.2.1:5061"),
            ("sips:192.0.2.1", "192.0.2.1:5061"),
            ("sip:trunk@127.0.0.1:5060", "127.0.0.1:5060"),
            ("sip:[2001:db8::1]:5070", "[2001:db8::1]:5070"),
            ("[2001:db8::1]", "[2001:db8::1]:5060"),
            ("2001:db8::1", "[2001:db8::1]:5060"),
        ] {
            let expected: Vec<SocketAddr> = vec![expected.parse().unwrap()];
            assert_eq!(places(uri).await, expected, "{uri}");
        }
        // On a bare machine that name has no address.
        let known: Vec<_> =
            tokio::net::lookup_host("localhost:5090").await.into_iter().flatten().collect();
        assert_eq!(places("sip:localhost:5090").await, known);
        for nothing in ["", "sip:", ":", "sip:;x", "[", "]:5060", "@"] {
            assert_eq!(places(nothing).await, [], "{nothing}");
        }
    }

    #[test]
    fn sound_comes_to_an_address_that_there_is_and_the_carrier_reaches() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let of = |media: &str, outside: &[IpAddr], carrier: &str, is_here| {
            let carrier = [SocketAddr::new(ip(carrier), 5060)];
            judge(&[ip(media)], outside, &carrier, is_here).unwrap().status
        };
        let far = "198.51.100.1";
        assert_eq!(of("127.0.0.1", &[], "127.0.0.1", true), Status::Ok);
        assert_eq!(of("192.0.2.7", &[], far, true), Status::Fail, "of no machine");
        assert_eq!(of("2001:db8::7", &[], far, true), Status::Fail, "of no machine");
        assert_eq!(of("192.0.2.7", &[], far, false), Status::Ok, "perhaps of its machine");
        assert_eq!(
            of("127.0.0.1", &[], far, true),
            Status::Fail,
            "loopback of the carrier's machine"
        );
        assert_eq!(of("127.0.0.1", &[ip("203.0.113.1")], far, true), Status::Ok);
        assert!(judge(&[], &[], &[], true).is_none());
    }
}
