//! TLS with an authority of one's own.

use super::*;
use crate::gateway::net::tests::authority;

#[tokio::test]
async fn who_cannot_prove_their_name_gets_nothing() {
    let (acceptor, ca_file) = authority();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, seen) = (acceptor.clone(), Arc::clone(&seen));
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut request = vec![0; 65_536];
                let Ok(1..) = stream.read(&mut request).await else { return };
                seen.lock().unwrap().push(String::from_utf8_lossy(&request).into_owned());
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
                stream.shutdown().await.ok();
            });
        }
    });

    let stranger = json(&url, "");
    let error = stranger.send(&message()).await.unwrap_err();
    assert_eq!(error, SendError::Temporary("no connection to the provider".into()));
    let check = stranger.check().await.unwrap_err();
    assert!(matches!(check, CheckError::Unreachable { .. }), "{check}");
    assert!(asked.lock().unwrap().is_empty());

    let known = json(&url, &format!("ca_file = \"{}\"", ca_file.path().display()));
    known.check().await.unwrap();
    assert_eq!(known.send(&message()).await, accepted(None));
    assert!(asked.lock().unwrap()[0].contains(&message().id));
}
