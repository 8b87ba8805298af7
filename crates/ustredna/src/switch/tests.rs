use super::*;

const STATUS: &str = "UP 0 years, 0 days, 0 hours, 13 minutes, 0 seconds, 187 milliseconds, 96 microseconds\nFreeSWITCH (Version 1.11.2-release git 3f13ad1 2026-08-09 16:23:10Z 64bit) is ready\n27 session(s) since startup\n4 session(s) - peak 6, last 5min 0 \n0 session(s) per Sec out of max 30, peak 2, last 5min 0 \n2000 session(s) max\nmin idle cpu 0.00/98.43\nCurrent Stack Size/Max 240K/8192K\n";

#[test]
fn status_is_read_and_what_is_none_is_not() {
    let expected = Status {
        version: "1.11.2-release".to_owned(),
        is_ready: true,
        sessions: Some(4),
        max_sessions: Some(2000),
        per_second: Some(30),
    };
    assert_eq!(Status::read(STATUS), Some(expected));
    let starting = STATUS.replace("is ready", "is not ready");
    assert!(!Status::read(&starting).unwrap().is_ready);
    assert_eq!(Status::read("-ERR status Command not found!\n"), None);
}

#[test]
fn a_gateway_is_read() {
    let answer = |freq: &str, state: &str, status: &str| {
        Gateway::read(&format!(
            "=====\nName    \tcarrier\nProxy   \tsip:192.0.2.1:5060\nPingFreq\t{freq}\n\
             PingState\t1/1/1\nState   \t{state}\nStatus  \t{status}\n=====\n"
        ))
    };
    let is = |gateway: Gateway| match gateway {
        Gateway::There { up, watched, proxy, .. } => {
            assert_eq!(proxy.as_deref(), Some("192.0.2.1:5060"));
            (up, watched)
        }
        Gateway::Missing | Gateway::Untold => panic!("it is there"),
    };
    assert_eq!(is(answer("15", "NOREG", "UP")), (true, true));
    assert_eq!(is(answer("0", "NOREG", "UP")), (true, false));
    assert_eq!(is(answer("0", "REGED", "UP")), (true, true), "its registration is watched");
    assert_eq!(is(answer("15", "NOREG", "DOWN")), (false, true));
    assert_eq!(Gateway::read("Invalid Gateway!\n"), Gateway::Missing);
    assert_eq!(Gateway::read("-ERR sofia Command not found!\n"), Gateway::Untold);
}
