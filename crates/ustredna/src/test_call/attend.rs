//! The exchange's side of a test call.

use std::{fs, io, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context as _, bail, ensure};
use esl::{
    Answer, Api, App as Application, Arg, Command, Completion, Event, EventName, Execute, Path,
    Playlist, Recording, SessionEvent, Sound,
};
use recordings::{Media, Verdict};
use tokio::{task::spawn_blocking, time::timeout};
use tracing::{info, warn};
use uuid::Uuid;

use super::{Report, Token, VARIABLE, record_of};
use crate::{app::App, clock, line::Line, place};

/// How long all of it may take.
const PATIENCE: Duration = Duration::from_secs(25);
/// How long the two are connected.
const TALK: Duration = Duration::from_secs(3);
/// How much later than we hear of the bridge the first frames may come, on a busy machine.
const START: Duration = Duration::from_millis(500);
/// How long FreeSWITCH may take to write the record.
const RECORD: Duration = Duration::from_secs(8);
/// Media that it cannot open end a call first of all.
const ENDED: &str = "FreeSWITCH ended the test call: look into its log, and whether RTP_IP is an address of its \
    machine with free ports from RTP_START_PORT to RTP_END_PORT";
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Attends to a call that names itself a test. One that does not prove it is ended.
pub(crate) async fn attend(app: Arc<App>, line: Line, event: &Event, named: &str) {
    let password = app.settings.switch.password.as_ref();
    let token = password.and_then(|password| Token::read(named, password, app.clock.now()));
    let mut leg = Leg { line, app: Arc::clone(&app) };
    let Some(token) = token.filter(|token| app.tests.begin(token.as_str())) else {
        warn!("a call that claims to be a test proves nothing, and is ended");
        return leg.kill().await;
    };
    info!("a test call");
    let recording = recording(&app, &token);
    let tested = timeout(PATIENCE, test(&mut leg, event, &token, &recording)).await;
    let tested = tested.unwrap_or_else(|_| {
        let seconds = PATIENCE.as_secs();
        Err(anyhow::anyhow!("the test call was not over after {seconds} s: look into the logs"))
    });
    if tested.is_err() {
        leg.kill().await;
    }
    // What it leaves is nobody's to find.
    let _gone = tokio::fs::remove_file(&recording).await;
    let report = match tested {
        Ok(seconds) => Report { done: true, problem: None, seconds },
        Err(error) => Report { done: true, problem: Some(format!("{error:#}")), seconds: 0.0 },
    };
    info!(problem = report.problem, "the test call is over");
    app.tests.end(token.as_str(), report);
}

/// In today's folder, as any other.
fn recording(app: &App, token: &Token) -> PathBuf {
    app.recordings.join(below(app, token))
}

fn below(app: &App, token: &Token) -> String {
    let today = app.clock.now().to_zoned(app.settings.exchange.timezone.0.clone()).date();
    format!("{}/test-{}.wav", today.strftime("%Y/%m/%d"), token.name())
}

/// How long the two legs were connected.
async fn test(
    leg: &mut Leg,
    event: &Event,
    token: &Token,
    recording: &std::path::Path,
) -> anyhow::Result<f64> {
    let app = Arc::clone(&leg.app);
    let call = event.unique_id().context("the call has no UUID")?.as_uuid();
    let port: u16 = event
        .variable("sip_req_port")
        .or_else(|| event.variable("sip_to_port"))
        .and_then(|port| port.parse().ok())
        .context("FreeSWITCH does not tell the port of its profile `test`")?;
    leg.establish()?;
    leg.execute(Execute::answer(Uuid::new_v4()));
    leg.plays().await?;

    let today = app.clock.now().to_zoned(app.settings.exchange.timezone.0.clone()).date();
    place::ready(&app, today).await.context("nothing can be recorded")?;
    leg.records(&format!("{}/{}", app.switch_recordings, below(&app, token))).await?;
    let began = leg.connects(token, port).await?;
    tokio::time::sleep(TALK).await;
    // What comes after this belongs to the hang-up.
    let talked = clock::instant().saturating_duration_since(began);
    leg.kill().await;

    proves(recording.to_owned(), talked).await?;
    let record = record_of(&app.settings.cdr.dir, call);
    let came = async {
        while !tokio::fs::try_exists(&record).await.unwrap_or(false) {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    ensure!(
        timeout(RECORD, came).await.is_ok(),
        "the test call's record did not come to cdr.dir: start FreeSWITCH with CDR_DIR={} as it \
         sees that folder, or set cdr.dir",
        app.settings.cdr.dir.display()
    );
    Ok(talked.as_secs_f64())
}

/// Both sides must be heard from the beginning to the end.
async fn proves(recording: PathBuf, talked: Duration) -> anyhow::Result<()> {
    let shown = recording.display().to_string();
    let (proof, readable) = spawn_blocking(move || {
        let readable = fs::File::open(&recording).map(drop);
        (
            recordings::verify(&recording, Some(talked.saturating_sub(START)), &Media::default()),
            readable,
        )
    })
    .await?;
    match readable {
        Err(error) if error.kind() == io::ErrorKind::NotFound => bail!(
            "FreeSWITCH recorded, but not to {shown}: set recordings.switch_dir to the same folder \
             as FreeSWITCH sees it"
        ),
        Err(error) => bail!(
            "the test call's recording cannot be read ({error}): run FreeSWITCH and ustredna as \
             one user"
        ),
        Ok(()) => {}
    }
    let proof = proof.context("the test call's recording cannot be looked at")?;
    ensure!(
        proof.verdict == Verdict::Ok,
        "the test call's recording is {}, {:.1} s of {:.1} s: {}",
        proof.verdict.as_str(),
        proof.inspection.map_or(0.0, |found| found.seconds),
        talked.as_secs_f64(),
        proof.problem.unwrap_or_else(|| "look into FreeSWITCH's log".to_owned())
    );
    Ok(())
}

/// The leg that FreeSWITCH handed over.
struct Leg {
    line: Line,
    app: Arc<App>,
}

impl Leg {
    fn execute(&mut self, execute: Execute) -> Uuid {
        self.line.session.execute(execute)
    }

    /// As for every call.
    fn establish(&mut self) -> anyhow::Result<()> {
        let channel = self.line.session.channel().copied().context("no channel")?;
        let session = &mut self.line.session;
        session.send(&Command::Linger(10));
        session.send(&Command::MyEvents);
        session.send(&Command::Api(Api::uuid_setvar_multi(&channel, &[("socket_resume", "")])?));
        Ok(())
    }

    async fn next(&mut self) -> anyhow::Result<SessionEvent> {
        loop {
            self.line.flush().await?;
            match self.line.session.poll_event() {
                Some(SessionEvent::Disconnected(_)) => bail!("{ENDED}"),
                Some(event) => return Ok(event),
                None => self.line.wait().await?,
            }
        }
    }

    async fn completes(&mut self, uuid: Uuid) -> anyhow::Result<Box<Event>> {
        loop {
            if let SessionEvent::Completed { uuid: completed, completion } = self.next().await?
                && completed == uuid
            {
                return match completion {
                    Completion::Done(event) => Ok(Box::new(event)),
                    Completion::Abandoned(_) => bail!("{ENDED}"),
                };
            }
        }
    }

    async fn plays(&mut self) -> anyhow::Result<()> {
        let language = self.app.settings.exchange.language;
        let file = format!("{}/{language}/goodbye.wav", self.app.switch_prompts);
        let playlist = Playlist::new(vec![Sound::File(Path::new(&file)?)])?;
        let uuid = self.execute(Execute::playback(&playlist, Uuid::new_v4()));
        let played = self.completes(uuid).await?;
        let response = played.header("Application-Response").unwrap_or_default();
        ensure!(
            response == "FILE PLAYED",
            "FreeSWITCH cannot play {file} ({response}): set prompts.dir as it sees that folder"
        );
        Ok(())
    }

    async fn records(&mut self, path: &str) -> anyhow::Result<()> {
        let channel = self.line.session.channel().copied().context("no channel")?;
        let record = Api::uuid_record(&channel, Recording::Start, &Path::new(path)?);
        let asked = self.line.session.send(&Command::Api(record));
        loop {
            if let SessionEvent::Replied { id, reply } = self.next().await?
                && id == asked
            {
                let started = matches!(reply, Answer::Api(response) if response.ok());
                place::recorded(&self.app, started);
                ensure!(
                    started,
                    "FreeSWITCH cannot record to {path}: make it writable for FreeSWITCH's user"
                );
                return Ok(());
            }
        }
    }

    /// Rings the phone that FreeSWITCH plays; since when the two are connected.
    async fn connects(&mut self, token: &Token, port: u16) -> anyhow::Result<std::time::Instant> {
        let token = token.as_str();
        let dial = format!(
            "{{ignore_early_media=true,originate_timeout=5,routed=true,{VARIABLE}={token}}}\
             sofia/test/phone-{token}@127.0.0.1:{port}"
        );
        let bridge = Execute::new(Application::Bridge, Arg::new(&dial)?, Uuid::new_v4());
        let uuid = self.execute(bridge);
        loop {
            let event = self.next().await?;
            if matches!(&event, SessionEvent::Event(event)
                if event.event_name() == EventName::ChannelBridge)
            {
                return Ok(clock::instant());
            }
            ensure!(
                !matches!(event, SessionEvent::Completed { uuid: completed, .. } if completed == uuid),
                "FreeSWITCH could not connect the test call's two legs: see its log"
            );
        }
    }

    /// Ends the call, and waits until it is over.
    async fn kill(&mut self) {
        let Some(channel) = self.line.session.channel().copied() else { return };
        let Ok(cause) = esl::HangupCause::new("NORMAL_CLEARING") else { return };
        self.line.session.send(&Command::Api(Api::uuid_kill(&channel, &cause)));
        // Then its recording is whole.
        let over = async {
            while let Ok(event) = self.next().await {
                if matches!(event, SessionEvent::Event(event)
                    if event.event_name() == EventName::ChannelHangupComplete)
                {
                    break;
                }
            }
        };
        let _late = timeout(Duration::from_secs(5), over).await;
    }
}
