//! What an attempt came to, whatever the provider or the line did.

use super::*;

/// Nobody listens there; a port that was free a moment ago may be another test's by now.
const NOBODY: &str = "127.0.0.1:1";

/// Takes one connection after another, reads `octets` of each (or to the end of the request), says
/// `answer` and hangs up.
async fn cutting(octets: Option<usize>, answer: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut read = vec![0; octets.unwrap_or(65_536)];
            if octets.is_some() {
                stream.read_exact(&mut read).await.ok();
            } else {
                // Headers and body come in one piece here.
                assert_ne!(stream.read(&mut read).await.unwrap(), 0);
            }
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    address
}

#[tokio::test]
async fn a_status_alone_tells_what_it_does_by_custom() {
    for (status, header, expected) in [
        (200, "", "accepted"),
        (202, "", "accepted"),
        (302, "location: http://127.0.0.1:1/", "temporary"),
        (400, "", "permanent"),
        (401, "", "temporary"),
        (404, "", "temporary"),
        (422, "", "permanent"),
        (429, "retry-after: 7", "throttled 7"),
        (429, "retry-after: Wed, 21 Oct 2026 07:28:00 GMT", "throttled"),
        (429, "retry-after: 99999999", "throttled 86400"),
        (500, "", "unknown"),
        (503, "retry-after: 2", "throttled 2"),
        (504, "", "unknown"),
    ] {
        let provider = Provider::answering(&[(status, header, "")]).await;
        let sent = json(&provider.url(), "").send(&message()).await;
        assert_eq!(word(&sent), expected, "{status}");
        assert_eq!(provider.seen().len(), 1, "{status}");
        if let Err(error) = sent {
            assert!(error.to_string().contains(&status.to_string()), "{error}");
        }
    }
}

fn word(sent: &Result<Accepted, SendError>) -> String {
    match sent {
        Ok(_) => "accepted".into(),
        Err(SendError::Temporary(_)) => "temporary".into(),
        Err(SendError::Throttled { after: None, .. }) => "throttled".into(),
        Err(SendError::Throttled { after: Some(after), .. }) => {
            format!("throttled {}", after.as_secs())
        }
        Err(SendError::Permanent(_)) => "permanent".into(),
        Err(SendError::Unknown(_)) => "unknown".into(),
    }
}

#[tokio::test]
async fn rules_say_more_than_a_status() {
    let rules = r#"
        [answer]
        accepted = [{ status = [200], pointer = "/ok", equals = [true] }]
        again = [{ pointer = "/code", equals = ["seen"] }]
        permanent = [{ pointer = "/code", equals = [10, 11] }]
        throttled = [{ text = ["slow down"] }]
        temporary = [{ pointer = "/code" }]
        id = { header = "x-id", after = "sms/", before = ";" }
    "#;
    let told = async |status, body| {
        let provider = Provider::answering(&[(status, "x-id: sms/77;v=1", body)]).await;
        json(&provider.url(), rules).send(&message()).await
    };
    assert_eq!(told(200, r#"{"ok":true}"#).await, accepted(Some("77")));
    let again = Accepted { provider_id: Some("77".into()), again: true, ..Accepted::default() };
    assert_eq!(told(409, r#"{"code":"seen"}"#).await, Ok(again));
    for (status, body, expected) in [
        (200, r#"{"code":"10"}"#, "permanent"),
        (500, r#"{"code":11}"#, "permanent"),
        (200, "please slow down", "throttled"),
        (200, r#"{"code":99}"#, "temporary"),
        // It said yes, but not as it was to say it.
        (200, r#"{"ok":"maybe"}"#, "unknown"),
        (200, r#"{"ok":[]}"#, "unknown"),
        (201, r#"{"ok":true}"#, "unknown"),
        (200, "<html>", "unknown"),
    ] {
        let sent = told(status, body).await;
        assert_eq!(word(&sent), expected, "{status} {body}: {sent:?}");
    }
}

#[tokio::test]
async fn an_id_that_cannot_be_kept_or_is_absent_is_none() {
    let long = Box::leak(format!("{{\"id\":\"{}\"}}", "x".repeat(256)).into_boxed_str());
    for body in [
        &*long,
        r#"{"id":""}"#,
        r#"{"id":"a\u0000b"}"#,
        r#"{"id":"a\u001bb"}"#,
        r#"{"id":{}}"#,
        "{}",
        "",
    ] {
        let provider = Provider::answering(&[(200, "", body)]).await;
        let gateway = json(&provider.url(), "answer.id = { pointer = \"/id\" }");
        assert_eq!(gateway.send(&message()).await, accepted(None), "{body}");
    }
}

#[tokio::test]
async fn no_answer_in_time_leaves_the_fate_open() {
    let slow = Provider::answering(&[(0, "", "")]).await;
    let backup = Provider::answering(&[(200, "", "")]).await;
    let gateway = json(&slow.url(), &format!("backup_url = \"{}\"", backup.url()));
    let error = gateway.send(&message()).await.unwrap_err();
    assert_eq!(error, SendError::Unknown("the provider gave no answer in time".into()));
    assert_eq!((slow.seen().len(), backup.seen().len()), (1, 0));
}

#[tokio::test]
async fn nobody_there_means_nothing_was_taken() {
    let error = json(&format!("http://{NOBODY}/"), "").send(&message()).await.unwrap_err();
    assert_eq!(error, SendError::Temporary("no connection to the provider".into()));
    let error = json("http://name.invalid/", "").send(&message()).await.unwrap_err();
    assert!(matches!(error, SendError::Temporary(_)), "{error}");
    // Cut while the connection was still being made: the TLS never came about.
    let cut = cutting(Some(1), "").await;
    let error = json(&format!("https://{cut}/"), "").send(&message()).await.unwrap_err();
    assert!(matches!(error, SendError::Temporary(_)), "{error}");
}

#[tokio::test]
async fn a_cut_once_the_request_is_on_its_way_leaves_the_fate_open() {
    for (octets, answer) in
        [(Some(10), ""), (None, ""), (None, "HTTP/1.1 200"), (None, "rubbish\r\n\r\n")]
    {
        let cut = cutting(octets, answer).await;
        let backup = Provider::answering(&[(200, "", "")]).await;
        let gateway =
            json(&format!("http://{cut}/"), &format!("backup_url = \"{}\"", backup.url()));
        let error = gateway.send(&message()).await.unwrap_err();
        assert!(matches!(error, SendError::Unknown(_)), "{octets:?} {answer}: {error}");
        assert_eq!(backup.seen().len(), 0);
    }
}

#[tokio::test]
async fn an_answer_cut_within_its_body_counts_by_its_status() {
    let cut = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"id\":\"7\"";
    let url = format!("http://{}/", cutting(None, cut).await);
    let gateway = json(&url, "answer.id = { pointer = \"/id\" }");
    assert_eq!(gateway.send(&message()).await, accepted(None));
    // But if the body was to decide, nobody knows.
    let gateway = json(&url, "answer.accepted = [{ pointer = \"/id\" }]");
    assert!(matches!(gateway.send(&message()).await, Err(SendError::Unknown(_))));
}

#[tokio::test]
async fn a_flood_for_an_answer_is_not_read_to_its_end() {
    // The id is behind everything that an answer to a message could be.
    let flood = Box::leak(("x".repeat(1 << 20) + "ID:7").into_boxed_str());
    let provider = Provider::answering(&[(200, "", flood)]).await;
    let gateway = json(&provider.url(), "answer.id = { after = \"ID:\" }");
    assert_eq!(gateway.send(&message()).await, accepted(None));
}

#[tokio::test]
async fn the_backup_is_asked_if_the_first_took_nothing() {
    let backup = Provider::answering(&[(200, "", "{\"id\":\"b\"}")]).await;
    let more = format!("backup_url = \"{}\"\nanswer.id = {{ pointer = \"/id\" }}", backup.url());
    let sent = json(&format!("http://{NOBODY}/"), &more).send(&message()).await;
    assert_eq!(sent, accepted(Some("b")));

    for (status, asked) in [(503, true), (404, true), (429, false), (400, false), (500, false)] {
        let before = backup.seen().len();
        let first = Provider::answering(&[(status, "", "")]).await;
        let sent = json(&first.url(), &more).send(&message()).await;
        assert_eq!(backup.seen().len() - before, usize::from(asked), "{status}");
        assert_eq!(sent.is_ok(), asked, "{status}");
    }
    let seen = backup.seen();
    assert!(seen.iter().all(|seen| seen.header("idempotency-key") == message().id));
}

#[tokio::test]
async fn many_are_under_way_at_once() {
    let provider = Provider::answering(&[(200, "", "")]).await;
    let patient = format!("url = \"{}\"\nform = {{ a = \"{{to}}{{text}}\" }}", provider.url());
    let gateway = HttpGateway::new(settings(&patient)).unwrap();
    let messages: Vec<_> =
        (0..200).map(|n| Message { id: format!("m-{n}"), ..message() }).collect();
    let sent = futures::future::join_all(messages.iter().map(|m| gateway.send(m))).await;
    assert!(sent.iter().all(|sent| *sent == accepted(None)), "{sent:?}");
    let mut keys: Vec<_> =
        provider.seen().iter().map(|seen| seen.header("idempotency-key").to_owned()).collect();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 200);
}
