//! Taking the steps of a script.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::{LONGEST_CALL, PATIENCE, Script, Step, Transcript, sound_name};
use crate::phone::{Phone, Seen, Sight};

const KEY_DOWN: Duration = Duration::from_millis(100);
const KEY_GAP: Duration = Duration::from_millis(60);
/// The voices by which a recording tells the sides apart.
const CALLER_HZ: u32 = 400;
const CALLEE_HZ: u32 = 900;
/// How long a switch may take to end a call that was hung up.
const FAREWELL: Duration = Duration::from_secs(10);

pub(super) async fn run(script: Script, phone: Phone) -> Transcript {
    let Script { steps, voice } = script;
    let usual = if phone.shown().is_some() { CALLEE_HZ } else { CALLER_HZ };
    let mut call = Call {
        voice: voice.unwrap_or(usual),
        phone,
        seen: Vec::new(),
        pressed: Vec::new(),
        past: 0,
        other_side: false,
        over: false,
    };
    let mut failure = None;
    for step in steps {
        if let Err(missing) = call.take(step).await {
            failure = Some(missing);
            break;
        }
    }
    if let Err(missing) = call.hang_up().await {
        failure.get_or_insert(missing);
    }
    let Call { phone, seen, pressed, .. } = call;
    Transcript { leg: phone.leg(), shown: phone.shown().cloned(), seen, pressed, failure }
}

struct Call {
    phone: Phone,
    /// The tone of its voice in Hz.
    voice: u32,
    seen: Vec<Seen>,
    pressed: Vec<(Duration, char)>,
    /// How much of what was seen is no longer waited for.
    past: usize,
    /// The other side can be heard.
    other_side: bool,
    over: bool,
}

impl Call {
    async fn take(&mut self, step: Step) -> Result<(), String> {
        match step {
            Step::Waits(time) => self.pass(time).await,
            Step::Hears(name) => return self.hear(&name).await,
            Step::Keys(keys) => return self.press(&keys).await,
            Step::Rings { time } => {
                self.must_go_on("it could ring")?;
                self.phone.ring();
                self.pass(time.unwrap_or(LONGEST_CALL)).await;
                if time.is_none() && !self.over {
                    return Err("the caller never gave up".to_owned());
                }
            }
            Step::EarlyMedia => {
                self.must_go_on("it could send early media")?;
                self.phone.early_media();
            }
            Step::Answers => {
                self.must_go_on("it could answer")?;
                self.phone.answer();
            }
            Step::Rejects(code) => {
                self.must_go_on("it could refuse")?;
                self.phone.reject(code);
                return self.end(FAREWELL).await;
            }
            Step::Talks(time) => {
                let until = after(PATIENCE);
                while !self.other_side {
                    self.see(until).await.map_err(|end| end.before("the other side was heard"))?;
                }
                self.sing(self.voice, time).await;
            }
            Step::Sings { hz, time } => self.sing(hz, time).await,
            Step::SingsUntilHangup { hz, limit } => {
                self.phone.voice(Some(hz));
                let ended = self.end(limit).await;
                self.phone.voice(None);
                return ended;
            }
            Step::Listens { limit } => return self.end(limit).await,
            Step::HangsUp => return self.hang_up().await,
        }
        Ok(())
    }

    async fn hear(&mut self, name: &str) -> Result<(), String> {
        let until = after(PATIENCE);
        loop {
            while let Some(seen) = self.seen.get(self.past) {
                self.past += 1;
                if sound_name(&seen.sight) == Some(name) {
                    return Ok(());
                }
            }
            self.see(until).await.map_err(|end| end.before(&format!("{name} was heard")))?;
        }
    }

    async fn press(&mut self, keys: &str) -> Result<(), String> {
        for (place, key) in keys.chars().enumerate() {
            if place > 0 {
                self.pass(KEY_GAP).await;
            }
            self.pass(KEY_DOWN).await;
            self.must_go_on("every key was pressed")?;
            if place == 0 {
                // What is said from here on may answer the keys.
                self.past = self.seen.len();
            }
            self.phone.press(key);
            self.pressed.push((self.phone.elapsed(), key));
        }
        Ok(())
    }

    async fn sing(&mut self, hz: u32, time: Duration) {
        self.phone.voice(Some(hz));
        self.pass(time).await;
        self.phone.voice(None);
    }

    /// Hangs up, if that was not done, and waits for the end.
    async fn hang_up(&mut self) -> Result<(), String> {
        if self.over {
            return Ok(());
        }
        self.phone.hang_up();
        self.end(FAREWELL).await
    }

    async fn end(&mut self, limit: Duration) -> Result<(), String> {
        let until = after(limit);
        while !self.over {
            match self.see(until).await {
                Ok(()) | Err(NotSeen::Over) => {}
                Err(NotSeen::Late) => {
                    return Err(format!("the call was not over within {limit:?}"));
                }
            }
        }
        Ok(())
    }

    /// Lets so much time pass, or less when the call ends.
    async fn pass(&mut self, time: Duration) {
        let until = after(time);
        while self.see(until).await.is_ok() {}
    }

    /// The next sight.
    async fn see(&mut self, until: Instant) -> Result<(), NotSeen> {
        if self.over {
            return Err(NotSeen::Over);
        }
        let Some(seen) = timeout_at(until, self.phone.next()).await.map_err(|_| NotSeen::Late)?
        else {
            self.over = true;
            return Err(NotSeen::Over);
        };
        match &seen.sight {
            Sight::Talking => self.other_side = true,
            Sight::Parted => self.other_side = false,
            Sight::Ended { .. } => self.over = true,
            Sight::Ringing
            | Sight::EarlyMedia
            | Sight::Answered
            | Sight::Hears(_)
            | Sight::HearsTone(_)
            | Sight::Quiet
            | Sight::Key(_) => {}
        }
        self.seen.push(seen);
        Ok(())
    }

    fn must_go_on(&self, what: &str) -> Result<(), String> {
        if self.over { Err(NotSeen::Over.before(what)) } else { Ok(()) }
    }
}

/// Clocks end somewhere; no wait is longer than a day.
fn after(time: Duration) -> Instant {
    Instant::now() + time.min(Duration::from_hours(24))
}

/// Why there is nothing to see.
enum NotSeen {
    Over,
    Late,
}

impl NotSeen {
    fn before(&self, what: &str) -> String {
        match self {
            Self::Over => format!("the call was over before {what}"),
            Self::Late => format!("{PATIENCE:?} went by before {what}"),
        }
    }
}
