use std::{future::Future, time::Duration};

use tokio::{task::JoinHandle, time::sleep};
use uuid::Uuid;

use super::{Script, Transcript};
use crate::phone::{Act, Handset, Shown, Sight, phone};

mod text;

const SECOND: Duration = Duration::from_secs(1);

fn ended(code: u16, cause: &str) -> Sight {
    Sight::Ended { code, cause: cause.to_owned() }
}

fn hears(name: &str) -> Sight {
    Sight::Hears(format!("/sounds/cs/{name}.wav"))
}

/// Runs the script on a phone whose other end the story plays.
async fn told<F>(script: &str, shown: Option<Shown>, story: impl FnOnce(Handset) -> F) -> Transcript
where
    F: Future<Output = ()>,
{
    let (phone, handset) = phone(Uuid::from_u128(7), shown);
    let script: Script = script.parse().unwrap();
    let run: JoinHandle<Transcript> = tokio::spawn(script.run(phone));
    story(handset).await;
    run.await.unwrap()
}

fn caller_id() -> Shown {
    Shown { number: "+420777000111".to_owned(), name: "Jana".to_owned() }
}

/// What the phone does next, and when since the story began.
async fn act(handset: &mut Handset) -> Act {
    handset.acts.recv().await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_caller_keys_when_it_hears_what_it_waits_for() {
    let script = "hears enter-id; keys 2#; hears goodbye; listens 5s";
    let transcript = told(script, None, async |mut handset| {
        handset.display.show(Sight::Answered);
        handset.display.show(hears("welcome"));
        sleep(SECOND).await;
        assert!(handset.acts.try_recv().is_err(), "it keyed at the wrong prompt");
        handset.display.show(Sight::Quiet);
        handset.display.show(hears("enter-id"));
        assert_eq!(act(&mut handset).await, Act::Press('2'));
        assert_eq!(act(&mut handset).await, Act::Press('#'));
        handset.display.show(hears("goodbye"));
        sleep(SECOND).await;
        handset.display.show(ended(200, "NORMAL_CLEARING"));
    })
    .await;
    assert_eq!(transcript.failure, None);
    assert_eq!(transcript.leg, Uuid::from_u128(7));
    assert_eq!(transcript.heard(), ["welcome", "enter-id", "goodbye"]);
    let ms = Duration::from_millis;
    assert_eq!(transcript.pressed, [(ms(1100), '2'), (ms(1260), '#')]);
    assert_eq!(transcript.ended(), Some((200, "NORMAL_CLEARING")));
    assert_eq!(transcript.sight_at(&hears("enter-id")), Some(SECOND));
    assert_eq!(transcript.sight_at(&Sight::Talking), None);
}

#[tokio::test(start_paused = true)]
async fn a_prompt_that_began_during_another_step_is_heard_once() {
    let transcript = told("waits 2s; hears again; hears again", None, async |handset| {
        handset.display.show(hears("again"));
        sleep(5 * SECOND).await;
        handset.display.show(ended(200, "NORMAL_CLEARING"));
    })
    .await;
    assert_eq!(transcript.failure.unwrap(), "the call was over before again was heard");
}

#[tokio::test(start_paused = true)]
async fn a_prompt_from_before_the_keys_is_past() {
    let transcript =
        told("hears id; keys 1; hears id; keys 2; listens", None, async |mut handset| {
            handset.display.show(hears("id"));
            handset.display.show(hears("id"));
            assert_eq!(act(&mut handset).await, Act::Press('1'));
            sleep(SECOND).await;
            assert!(handset.acts.try_recv().is_err());
            handset.display.show(hears("id"));
            assert_eq!(act(&mut handset).await, Act::Press('2'));
            handset.display.show(ended(200, "NORMAL_CLEARING"));
        })
        .await;
    assert_eq!(transcript.failure, None);
}

#[tokio::test(start_paused = true)]
async fn a_dealer_rings_answers_and_talks_once_the_other_side_is_there() {
    let script = "rings 1s; answers; talks 3s; hangs up";
    let transcript = told(script, Some(caller_id()), async |mut handset| {
        let began = tokio::time::Instant::now();
        assert_eq!(act(&mut handset).await, Act::Ring);
        assert_eq!(act(&mut handset).await, Act::Answer);
        assert_eq!(began.elapsed().as_secs(), 1);
        sleep(SECOND).await;
        assert!(handset.acts.try_recv().is_err(), "it spoke to nobody");
        handset.display.show(Sight::Talking);
        assert_eq!(act(&mut handset).await, Act::Voice(Some(900)));
        assert_eq!(act(&mut handset).await, Act::Voice(None));
        assert_eq!(began.elapsed().as_secs(), 5);
        assert_eq!(act(&mut handset).await, Act::HangUp);
        handset.display.show(ended(200, "NORMAL_CLEARING"));
    })
    .await;
    assert_eq!(transcript.failure, None);
    assert_eq!(transcript.shown, Some(caller_id()));
}

#[tokio::test(start_paused = true)]
async fn a_voice_is_ones_own() {
    let (caller, mut handset) = phone(Uuid::nil(), None);
    let run = tokio::spawn(Script::new().voice(700).talks(SECOND).run(caller));
    handset.display.show(Sight::Talking);
    assert_eq!(act(&mut handset).await, Act::Voice(Some(700)));
    drop(handset);
    run.await.unwrap();
    let transcript = told("talks 1s", None, async |mut handset| {
        handset.display.show(Sight::Talking);
        assert_eq!(act(&mut handset).await, Act::Voice(Some(400)), "a caller's");
    })
    .await;
    assert_eq!(transcript.failure, None);
}

#[tokio::test(start_paused = true)]
async fn who_has_parted_is_waited_for_again() {
    let transcript = told("talks 1s; talks 1s", None, async |mut handset| {
        handset.display.show(Sight::Talking);
        assert_eq!(act(&mut handset).await, Act::Voice(Some(400)));
        handset.display.show(Sight::Parted);
        assert_eq!(act(&mut handset).await, Act::Voice(None));
        handset.display.show(ended(200, "NORMAL_CLEARING"));
    })
    .await;
    assert_eq!(transcript.failure.unwrap(), "the call was over before the other side was heard");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_ends_cuts_a_talk_short() {
    let transcript =
        told("answers; talks 60s; hangs up", Some(caller_id()), async |mut handset| {
            assert_eq!(act(&mut handset).await, Act::Answer);
            handset.display.show(Sight::Talking);
            sleep(SECOND).await;
            handset.display.show(ended(200, "NORMAL_CLEARING"));
        })
        .await;
    assert_eq!(transcript.failure, None);
}

#[tokio::test(start_paused = true)]
async fn a_phone_rings_until_the_caller_gives_up() {
    let transcript = told("rings", Some(caller_id()), async |mut handset| {
        assert_eq!(act(&mut handset).await, Act::Ring);
        sleep(25 * SECOND).await;
        handset.display.show(ended(487, "ORIGINATOR_CANCEL"));
        assert_eq!(handset.acts.recv().await, None);
    })
    .await;
    assert_eq!(transcript.failure, None);
    assert_eq!(transcript.ended(), Some((487, "ORIGINATOR_CANCEL")));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_comes_too_late_fails() {
    let transcript = told("rings 5s; answers", Some(caller_id()), async |mut handset| {
        assert_eq!(act(&mut handset).await, Act::Ring);
        sleep(SECOND).await;
        handset.display.show(ended(487, "ORIGINATOR_CANCEL"));
        assert_eq!(handset.acts.recv().await, None, "it answered");
    })
    .await;
    assert_eq!(transcript.failure.unwrap(), "the call was over before it could answer");
}

#[tokio::test(start_paused = true)]
async fn a_phone_refuses_and_sees_the_end() {
    let transcript = told("early media; rejects 603", Some(caller_id()), async |mut handset| {
        assert_eq!(act(&mut handset).await, Act::EarlyMedia);
        assert_eq!(act(&mut handset).await, Act::Reject(603));
        handset.display.show(ended(603, "CALL_REJECTED"));
        assert_eq!(handset.acts.recv().await, None, "it hung up as well");
    })
    .await;
    assert_eq!((transcript.failure, transcript.seen.len()), (None, 1));
}

#[tokio::test(start_paused = true)]
async fn what_does_not_come_in_time_is_a_failure_and_the_phone_hangs_up() {
    for (script, missing) in [
        ("hears enter-id", "120s went by before enter-id was heard"),
        ("talks 1s", "120s went by before the other side was heard"),
        ("listens 20s", "the call was not over within 20s"),
        ("sings 440 until hangup 1.5s", "the call was not over within 1.5s"),
        ("rings", "the caller never gave up"),
    ] {
        let transcript = told(script, None, async |mut handset| {
            while act(&mut handset).await != Act::HangUp {}
            handset.display.show(ended(487, "ORIGINATOR_CANCEL"));
        })
        .await;
        assert_eq!(transcript.failure.as_deref(), Some(missing), "{script}");
        assert!(transcript.ended().is_some(), "{script}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_switch_that_does_not_end_a_call_is_a_failure() {
    let transcript = told("hangs up", None, async |mut handset| {
        assert_eq!(act(&mut handset).await, Act::HangUp);
        sleep(60 * SECOND).await;
    })
    .await;
    assert_eq!(transcript.failure.unwrap(), "the call was not over within 10s");
}

#[tokio::test(start_paused = true)]
async fn a_song_sounds_at_once_and_until_the_end() {
    let transcript =
        told("sings 425 2s; sings 440 until hangup", Some(caller_id()), async |mut handset| {
            let began = tokio::time::Instant::now();
            assert_eq!(act(&mut handset).await, Act::Voice(Some(425)));
            assert_eq!(act(&mut handset).await, Act::Voice(None));
            assert_eq!(act(&mut handset).await, Act::Voice(Some(440)));
            assert_eq!(began.elapsed().as_secs(), 2);
            handset.display.show(ended(200, "NORMAL_CLEARING"));
            assert_eq!(act(&mut handset).await, Act::Voice(None));
        })
        .await;
    assert_eq!(transcript.failure, None);
}

#[tokio::test(start_paused = true)]
async fn a_transcript_reads_in_the_order_of_time() {
    let transcript =
        told("hears id; keys 2; hears never", Some(caller_id()), async |mut handset| {
            handset.display.show(Sight::Answered);
            handset.display.show(hears("id"));
            act(&mut handset).await;
            handset.display.show(Sight::Quiet);
            sleep(SECOND).await;
            handset.display.show(ended(200, "NORMAL_CLEARING"));
        })
        .await;
    insta::assert_snapshot!(transcript, @r#"
              shows +420777000111 "Jana"
       0.000  answered
       0.000  hears /sounds/cs/id.wav
       0.100  presses 2
       0.100  quiet
       1.100  over: 200 NORMAL_CLEARING
      FAILED  the call was over before never was heard
    "#);
}
