//! Sounds, and the application `playback` (switch_ivr_play_say.c).

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    phone::Sight,
    session::Session,
    sound::{self, NotFound, Part, Sound},
};

/// What becomes of keys that are pressed while something plays.
#[derive(Debug, Clone, Copy)]
pub(super) enum Keys<'a> {
    /// These end it, others are lost.
    Eat(&'a str),
    /// The first ends it and stays for what follows.
    Keep,
}

/// Why a sound stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Played {
    Whole,
    ByKey(Option<char>),
    /// The channel is not ready any more.
    Over,
}

impl Session {
    pub(super) async fn playback(&mut self, data: &str) {
        let terminators = self.leg.variable("playback_terminators");
        let terminators = match terminators.as_deref() {
            None => "*",
            Some("none") => "",
            Some("any") => "0123456789*#",
            Some(keys) => keys,
        };
        self.leg.lock().variables.unset("playback_terminator_used");
        let played = self.play(data, Keys::Eat(terminators)).await;
        if let Ok(Played::ByKey(Some(key))) = played {
            self.leg.set("playback_terminator_used", &key.to_string());
        }
        let response = if played.is_ok() { "FILE PLAYED" } else { "FILE NOT FOUND" };
        self.leg.set("current_application_response", response);
    }

    pub(super) async fn play(&mut self, spec: &str, keys: Keys<'_>) -> Result<Played, NotFound> {
        let parts = sound::open(spec)?;
        let began = Instant::now();
        let mut played = Played::Whole;
        for part in parts {
            played = self.play_part(&part, keys).await;
            if played != Played::Whole {
                break;
            }
        }
        let time = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let variables = &mut self.leg.lock().variables;
        for (name, value) in [
            ("playback_last_offset_pos", time * 8),
            ("playback_seconds", time / 1000),
            ("playback_ms", time),
            ("playback_samples", time * 8),
        ] {
            variables.set(name, &value.to_string());
        }
        Ok(played)
    }

    async fn play_part(&mut self, part: &Part, keys: Keys<'_>) -> Played {
        // Keys that came before it begins end it as well.
        let shown = match (&part.sound, keys) {
            (_, Keys::Keep) if self.leg.has_keys() => None,
            (Sound::Silence, _) => None,
            (Sound::File(path), _) => Some(Sight::Hears(path.clone())),
            (Sound::Tone(tone), _) => Some(Sight::HearsTone(tone.clone())),
        };
        let audible = shown.is_some();
        if let Some(sight) = shown {
            self.leg.display.show(sight);
        }
        let played = self.last(part.length, keys).await;
        if audible {
            self.leg.display.show(Sight::Quiet);
        }
        played
    }

    /// Lets it play for so long.
    async fn last(&mut self, length: Duration, keys: Keys<'_>) -> Played {
        let until = Instant::now().checked_add(length);
        loop {
            self.pause(until).await;
            if !self.leg.is_ready() {
                return Played::Over;
            }
            match keys {
                Keys::Keep if self.leg.has_keys() => return Played::ByKey(None),
                Keys::Keep => {}
                Keys::Eat(terminators) => {
                    while let Some(key) = self.leg.take_key() {
                        if terminators.contains(key) {
                            return Played::ByKey(Some(key));
                        }
                    }
                }
            }
            if crate::session::is_past(until) {
                return Played::Whole;
            }
        }
    }
}
