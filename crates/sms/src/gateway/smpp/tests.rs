use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use rusmpp::pdus::{BindTransceiverResp, DeliverSm, SubmitSm, SubmitSmResp};
use rusmpp::tokio_codec::CommandCodec;
use rusmpp::types::{COctetString, OctetString};
use rusmpp::values::EsmClass;
use rusmpp::{Command, CommandId, CommandStatus, Pdu};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::codec::Framed;

use super::{Receipt, ReceiptError, SmppGateway, SmppSettings, SmppSettingsError};
use crate::gateway::net::tests::authority;
use crate::gateway::{Accepted, CheckError, Gateway as _, Message, Report, SendError};

/// Longer than anything here takes, unless it hangs.
const HANGS: Duration = Duration::from_secs(10);

/// An SMSC, of which each test plays the part.
struct Smsc(TcpListener);

/// One client of it.
struct Client(Framed<TcpStream, CommandCodec>);

impl Smsc {
    async fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    fn gateway(&self, more: &str) -> (SmppGateway, mpsc::UnboundedReceiver<Receipt>) {
        let toml = format!(
            "host = \"127.0.0.1\"\nport = {}\nsystem_id = \"us\"\npassword = \"s3cr3t\"\nconnect_timeout = \"2s\"\nresponse_timeout = \"300ms\"\nreconnect_max = \"100ms\"\n{more}",
            self.0.local_addr().unwrap().port()
        );
        let settings: SmppSettings = toml::from_str(&toml).unwrap();
        let (told, reports) = mpsc::unbounded_channel();
        (SmppGateway::start(settings, told).unwrap(), reports)
    }

    async fn client(&self) -> Client {
        let (stream, _) = timeout(HANGS, self.0.accept()).await.unwrap().unwrap();
        Client(Framed::new(stream, CommandCodec::new()))
    }

    async fn bound(&self) -> Client {
        let mut client = self.client().await;
        let bind = client.next(CommandId::BindTransceiver).await;
        let Some(Pdu::BindTransceiver(asked)) = bind.pdu() else { panic!() };
        assert_eq!((asked.system_id.as_str(), asked.password.as_str()), ("us", "s3cr3t"));
        client.answer(&bind, CommandStatus::EsmeRok, BindTransceiverResp::default()).await;
        client
    }
}

impl Client {
    async fn next(&mut self, id: CommandId) -> Command {
        let command = timeout(HANGS, self.0.next()).await.unwrap().expect("gone").unwrap();
        assert_eq!(command.id(), id);
        command
    }

    async fn gone(&mut self) -> bool {
        matches!(timeout(HANGS, self.0.next()).await.unwrap(), None | Some(Err(_)))
    }

    async fn say(&mut self, status: CommandStatus, sequence: u32, pdu: impl Into<Pdu>) {
        self.0.send(Command::new(status, sequence, pdu)).await.unwrap();
    }

    async fn answer(&mut self, to: &Command, status: CommandStatus, pdu: impl Into<Pdu>) {
        self.say(status, to.sequence_number(), pdu).await;
    }

    async fn submit(&mut self) -> (Command, SubmitSm) {
        let command = self.next(CommandId::SubmitSm).await;
        let Some(Pdu::SubmitSm(submit)) = command.pdu().cloned() else { panic!() };
        (command, submit)
    }

    async fn accept(&mut self, submit: &Command, id: &str) {
        let id = COctetString::from_string(id.to_owned()).unwrap();
        self.answer(submit, CommandStatus::EsmeRok, SubmitSmResp::new(id, vec![])).await;
    }

    /// Sends a receipt, and waits for what the client says to it.
    async fn receipt(&mut self, sequence: u32, text: &str) -> CommandStatus {
        let deliver = DeliverSm::builder()
            .esm_class(EsmClass::from(0x04))
            .short_message(OctetString::from_vec(text.into()).unwrap())
            .build();
        self.say(CommandStatus::EsmeRok, sequence, deliver).await;
        let answer = self.next(CommandId::DeliverSmResp).await;
        assert_eq!(answer.sequence_number(), sequence);
        answer.status()
    }
}

fn message(text: &str) -> Message {
    Message {
        id: "0199aaaa-0000-7000-8000-000000000001".into(),
        to: "+420601123456".into(),
        text: text.into(),
        created_at: "2026-11-22T10:31:45+01:00".into(),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "what `send` gives")]
fn accepted(id: &str) -> Result<Accepted, SendError> {
    Ok(Accepted { provider_id: Some(id.into()), ..Accepted::default() })
}

/// Without the clues.
fn told(receipt: Option<Receipt>) -> Option<(String, bool, String)> {
    let Report { provider_id, delivered, reason, .. } = receipt.unwrap().unwrap()?;
    Some((provider_id, delivered, reason.unwrap()))
}

#[expect(clippy::unnecessary_wraps, reason = "what is told")]
fn report(id: &str, delivered: bool, reason: &str) -> Option<(String, bool, String)> {
    Some((id.into(), delivered, reason.into()))
}

#[tokio::test]
async fn a_message_is_accepted_and_delivered() {
    let smsc = Smsc::new().await;
    let (gateway, mut reports) = smsc.gateway("");
    let sent = message("Zmeskany hovor");
    let (attempt, mut client) = tokio::join!(gateway.send(&sent), async {
        let mut client = smsc.bound().await;
        let (command, submit) = client.submit().await;
        assert_eq!(submit.destination_addr.as_str(), "420601123456");
        assert_eq!(submit.short_message().as_ref(), b"Zmeskany hovor");
        client.accept(&command, "id-1").await;
        client
    });
    assert_eq!(attempt, accepted("id-1"));
    gateway.check().await.unwrap();

    // Twice, and late ones before early ones: all are passed on, and every one is acknowledged.
    for (sequence, text) in [
        (7, "id:id-2 stat:UNDELIV err:001"),
        (8, "id:id-1 stat:ENROUTE"),
        (9, "id:id-1 stat:DELIVRD"),
        (10, "id:id-1 stat:DELIVRD"),
    ] {
        assert_eq!(client.receipt(sequence, text).await, CommandStatus::EsmeRok);
    }
    assert_eq!(told(reports.recv().await), report("id-2", false, "UNDELIV err 001"));
    assert_eq!(told(reports.recv().await), None);
    assert_eq!(told(reports.recv().await), report("id-1", true, "DELIVRD"));
    assert_eq!(told(reports.recv().await), report("id-1", true, "DELIVRD"));
    // What is of no use is acknowledged, for it would come again, and told.
    assert_eq!(client.receipt(12, "stat:DELIVRD").await, CommandStatus::EsmeRok);
    assert_eq!(reports.recv().await.unwrap(), Err(ReceiptError::NoId));
    assert!(reports.try_recv().is_err());

    // Nobody listens: the SMSC shall keep it.
    drop(reports);
    assert_eq!(client.receipt(11, "id:id-3 stat:DELIVRD").await, CommandStatus::EsmeRxTAppn);
}

#[tokio::test]
async fn refusals_are_told_apart() {
    let smsc = Smsc::new().await;
    let (gateway, _reports) = smsc.gateway("");
    let mut client = smsc.bound().await;
    for (status, expected) in [
        (CommandStatus::EsmeRthrottled, "throttled"),
        (CommandStatus::EsmeRmsgqful, "throttled"),
        (CommandStatus::EsmeRinvdstadr, "permanent"),
        (CommandStatus::EsmeRinvmsglen, "permanent"),
        (CommandStatus::EsmeRsyserr, "temporary"),
        (CommandStatus::EsmeRinvsrcadr, "temporary"),
        (CommandStatus::Other(0x0400), "temporary"),
    ] {
        let sent = message("Hi");
        let (attempt, ()) = tokio::join!(gateway.send(&sent), async {
            let (command, _) = client.submit().await;
            client.answer(&command, status, SubmitSmResp::default()).await;
        });
        let error = attempt.unwrap_err();
        let told = match &error {
            SendError::Throttled { .. } => "throttled",
            SendError::Permanent(_) => "permanent",
            SendError::Temporary(_) => "temporary",
            SendError::Unknown(_) => "unknown",
        };
        assert_eq!(told, expected, "{status:?}");
        assert!(error.to_string().contains(&format!("0x{:08X}", u32::from(status))), "{error}");
    }
    // A refusal of the whole unit counts as one too.
    let sent = message("Hi");
    let (attempt, ()) = tokio::join!(gateway.send(&sent), async {
        let (command, _) = client.submit().await;
        client.answer(&command, CommandStatus::EsmeRinvcmdlen, Pdu::GenericNack).await;
    });
    assert!(matches!(attempt, Err(SendError::Temporary(_))), "{attempt:?}");
}

#[tokio::test]
async fn an_answer_after_its_time_is_taken_while_somebody_waits_for_it() {
    let smsc = Smsc::new().await;
    let (gateway, _reports) = smsc.gateway("window = 1");
    let mut client = smsc.bound().await;
    let sent = message("Hi");
    let (slow, quick, ()) = tokio::join!(gateway.send(&sent), gateway.send(&sent), async {
        let (slow, _) = client.submit().await;
        // The window is free again after the time for an answer.
        let (quick, _) = client.submit().await;
        client.accept(&quick, "quick").await;
        tokio::time::sleep(Duration::from_millis(400)).await;
        client.accept(&slow, "slow").await;
    });
    assert_eq!((slow, quick), (accepted("slow"), accepted("quick")));
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_is_not_sent() {
    let smsc = Smsc::new().await;
    let (gateway, _reports) = smsc.gateway("window = 1");
    let mut client = smsc.bound().await;
    let (sent, left) = (message("Hi"), message("left"));
    let (first, ()) = tokio::join!(gateway.send(&sent), async {
        let (first, _) = client.submit().await;
        // It waits in the queue, for the window is full; then the caller has no more patience.
        let given_up = timeout(Duration::from_millis(100), gateway.send(&left)).await;
        assert!(given_up.is_err());
        client.accept(&first, "first").await;
    });
    assert_eq!(first, accepted("first"));
    let (next, ()) = tokio::join!(gateway.send(&sent), async {
        let (next, submit) = client.submit().await;
        assert_eq!(submit.short_message().as_ref(), b"Hi");
        client.accept(&next, "next").await;
    });
    assert_eq!(next, accepted("next"));
}

#[tokio::test]
async fn what_found_no_room_in_time_was_not_taken() {
    let smsc = Smsc::new().await;
    let (gateway, _reports) = smsc.gateway("window = 1");
    let mut client = smsc.bound().await;
    let sent = message("Hi");
    // One after the other leaves the window without an answer, 0.3 s each; a try has 2.3 s.
    let attempts = futures::future::join_all((0..20).map(|_| gateway.send(&sent)));
    let (attempts, came) = tokio::join!(attempts, async {
        let mut came = 0;
        while timeout(Duration::from_secs(1), client.0.next()).await.is_ok() {
            came += 1;
        }
        came
    });
    let count = |kind: fn(&SendError) -> bool| {
        attempts.iter().filter(|a| a.as_ref().is_err_and(kind)).count()
    };
    let unknown = count(|error| matches!(error, SendError::Unknown(_)));
    let temporary = count(|error| matches!(error, SendError::Temporary(_)));
    assert_eq!((unknown, temporary), (came, 20 - came), "{attempts:?}");
    assert!((2..19).contains(&came), "{came}");
}

#[tokio::test]
async fn an_answer_too_late_is_no_answer_and_the_line_goes_on() {
    let smsc = Smsc::new().await;
    let (gateway, _reports) = smsc.gateway("");
    let mut client = smsc.bound().await;
    let sent = message("Hi");
    let (attempt, late) = tokio::join!(gateway.send(&sent), async { client.submit().await.0 });
    assert_eq!(attempt, Err(SendError::Unknown("the SMSC gave no answer in time".into())));
    client.accept(&late, "late").await;
    let (attempt, ()) = tokio::join!(gateway.send(&sent), async {
        let (command, _) = client.submit().await;
        client.accept(&command, "in-time").await;
    });
    assert_eq!(attempt, accepted("in-time"));
}

#[tokio::test]
async fn a_cut_after_the_request_leaves_the_fate_open_and_before_it_does_not() {
    let smsc = Smsc::new().await;
    let (gateway, _reports) = smsc.gateway("");
    let mut client = smsc.bound().await;
    let sent = message("Hi");
    let (attempt, ()) = tokio::join!(gateway.send(&sent), async {
        client.submit().await;
        drop(client);
    });
    let why = "the connection to the SMSC broke before the answer";
    assert_eq!(attempt, Err(SendError::Unknown(why.into())));

    // While there is no connection nothing is taken, and it is made again.
    assert!(matches!(gateway.send(&sent).await, Err(SendError::Temporary(_))));
    let client = smsc.bound().await;
    gateway.submits.reserve().await.unwrap();
    drop(client);
    // Gone before the next request, and noticed first.
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(matches!(gateway.send(&sent).await, Err(SendError::Temporary(_))));
}

#[tokio::test]
async fn the_window_is_kept() {
    let smsc = Smsc::new().await;
    let (gateway, _reports) = smsc.gateway("window = 3");
    let mut client = smsc.bound().await;
    let sent = message("Hi");
    let attempts = futures::future::join_all((0..10).map(|_| gateway.send(&sent)));
    let (attempts, ()) = tokio::join!(attempts, async {
        let mut waiting = std::collections::VecDeque::new();
        for _ in 0..3 {
            waiting.push_back(client.submit().await.0);
        }
        let early = timeout(Duration::from_millis(50), client.0.next()).await;
        assert!(early.is_err(), "a fourth came: {early:?}");
        for number in 3..10 {
            client.accept(&waiting.pop_back().unwrap(), &number.to_string()).await;
            waiting.push_back(client.submit().await.0);
        }
        for (number, command) in waiting.iter().enumerate() {
            client.accept(command, &number.to_string()).await;
        }
    });
    assert!(attempts.iter().all(Result::is_ok), "{attempts:?}");
}

#[tokio::test]
async fn a_quiet_line_is_tried_and_a_dead_one_is_left() {
    let smsc = Smsc::new().await;
    let (gateway, _reports) = smsc.gateway("enquire_link = \"100ms\"");
    let mut client = smsc.bound().await;
    for _ in 0..2 {
        let enquiry = client.next(CommandId::EnquireLink).await;
        client.answer(&enquiry, CommandStatus::EsmeRok, Pdu::EnquireLinkResp).await;
    }
    client.next(CommandId::EnquireLink).await;
    // No answer any more.
    assert!(client.gone().await);
    let mut client = smsc.bound().await;
    client.say(CommandStatus::EsmeRok, 77, Pdu::EnquireLink).await;
    assert_eq!(client.next(CommandId::EnquireLinkResp).await.sequence_number(), 77);
    drop(gateway);
    client.next(CommandId::Unbind).await;
    assert!(client.gone().await);
}

#[tokio::test]
async fn an_smsc_that_ends_the_session_is_bound_again() {
    let smsc = Smsc::new().await;
    let (gateway, _reports) = smsc.gateway("");
    let mut client = smsc.bound().await;
    client.say(CommandStatus::EsmeRok, 5, Pdu::Unbind).await;
    client.next(CommandId::UnbindResp).await;
    assert!(client.gone().await);
    let mut client = smsc.bound().await;
    let sent = message("Hi");
    // The state is told a moment after the bind.
    while matches!(&*gateway.state.borrow(), super::State::Down { .. }) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let (attempt, ()) = tokio::join!(gateway.send(&sent), async {
        let (command, _) = client.submit().await;
        client.accept(&command, "x").await;
    });
    assert_eq!(attempt, accepted("x"));
}

#[tokio::test]
async fn what_we_do_not_know_is_refused_and_harms_nothing() {
    let smsc = Smsc::new().await;
    let (_gateway, _reports) = smsc.gateway("");
    let mut client = smsc.bound().await;
    client.say(CommandStatus::EsmeRok, 5, SubmitSm::default()).await;
    let nack = client.next(CommandId::GenericNack).await;
    assert_eq!((nack.sequence_number(), nack.status()), (5, CommandStatus::EsmeRinvcmdid));
    // An answer to nothing.
    client.say(CommandStatus::EsmeRok, 99, SubmitSmResp::default()).await;
    // A person writes back.
    let person = DeliverSm::builder().esm_class(EsmClass::from(0)).build();
    client.say(CommandStatus::EsmeRok, 6, person).await;
    let answer = client.next(CommandId::DeliverSmResp).await;
    assert_eq!((answer.sequence_number(), answer.status()), (6, CommandStatus::EsmeRok));
}

#[tokio::test]
async fn a_text_in_parts_is_accepted_with_its_last() {
    let smsc = Smsc::new().await;
    let (gateway, _reports) = smsc.gateway("long = \"udh\"");
    let mut client = smsc.bound().await;
    let sent = message(&"a".repeat(200));
    let (attempt, ()) = tokio::join!(gateway.send(&sent), async {
        for id in ["p1", "p2"] {
            let (command, _) = client.submit().await;
            client.accept(&command, id).await;
        }
    });
    let both = Accepted { earlier_parts: vec![Some("p1".into())], ..accepted("p2").unwrap() };
    assert_eq!(attempt, Ok(both));
    // If the first is refused the second is not sent.
    let (attempt, ()) = tokio::join!(gateway.send(&sent), async {
        let (command, _) = client.submit().await;
        client.answer(&command, CommandStatus::EsmeRthrottled, SubmitSmResp::default()).await;
    });
    assert!(matches!(attempt, Err(SendError::Throttled { .. })));
    // If the second is, the first was taken all the same, and sent again it would be paid again.
    for status in [CommandStatus::EsmeRthrottled, CommandStatus::EsmeRsyserr] {
        let (attempt, ()) = tokio::join!(gateway.send(&sent), async {
            let (command, _) = client.submit().await;
            client.accept(&command, "p1").await;
            let (command, _) = client.submit().await;
            client.answer(&command, status, SubmitSmResp::default()).await;
        });
        assert!(matches!(attempt, Err(SendError::Unknown(_))), "{status:?} {attempt:?}");
    }
    let more = timeout(Duration::from_millis(50), client.0.next()).await;
    assert!(more.is_err(), "{more:?}");
}

#[tokio::test]
async fn a_check_tells_absence_from_refusal_and_no_secret() {
    let smsc = Smsc::new().await;
    let (gateway, _reports) = smsc.gateway("");
    let (check, ()) = tokio::join!(gateway.check(), async {
        let mut client = smsc.client().await;
        let bind = client.next(CommandId::BindTransceiver).await;
        let resp = BindTransceiverResp::default();
        client.answer(&bind, CommandStatus::EsmeRinvpaswd, resp).await;
    });
    let refused = check.unwrap_err();
    assert!(matches!(refused, CheckError::Refused { .. }), "{refused}");
    assert!(refused.to_string().contains("0x0000000E"), "{refused}");

    let absent = Smsc::new().await;
    let (gateway, _reports) = absent.gateway("");
    drop(absent);
    let sent = message("Hi");
    let error = gateway.send(&sent).await.unwrap_err();
    assert!(matches!(error, SendError::Temporary(_)), "{error}");
    let unreachable = gateway.check().await.unwrap_err();
    assert!(matches!(unreachable, CheckError::Unreachable { .. }), "{unreachable}");
    let shown = format!("{refused:?} {error:?} {unreachable:?} {gateway:?} {:?}", gateway.settings);
    assert!(!shown.contains("s3cr3t") && !shown.contains("601123456"), "{shown}");
}

#[tokio::test]
async fn the_bind_goes_by_tls_to_who_can_prove_their_name() {
    let smsc = Smsc::new().await;
    let (acceptor, ca_file) = authority();
    let (stranger, _reports) = smsc.gateway("tls = true");
    let (check, ()) = tokio::join!(stranger.check(), async {
        let (stream, _) = smsc.0.accept().await.unwrap();
        assert!(acceptor.accept(stream).await.is_err());
    });
    assert!(matches!(check, Err(CheckError::Unreachable { .. })), "{check:?}");
    drop(stranger);

    let tls = format!("tls = true\nca_file = \"{}\"", ca_file.path().display());
    let (known, _reports) = smsc.gateway(&tls);
    let (check, _client) = tokio::join!(known.check(), async {
        let mut client = loop {
            let (stream, _) = smsc.0.accept().await.unwrap();
            // The stranger may have come once more.
            if let Ok(stream) = acceptor.accept(stream).await {
                break Framed::new(stream, CommandCodec::new());
            }
        };
        let bind = client.next().await.unwrap().unwrap();
        assert_eq!(bind.id(), CommandId::BindTransceiver);
        let resp = BindTransceiverResp::default();
        let answer = Command::new(CommandStatus::EsmeRok, bind.sequence_number(), resp);
        client.send(answer).await.unwrap();
        client
    });
    check.unwrap();
}

mod settings;
