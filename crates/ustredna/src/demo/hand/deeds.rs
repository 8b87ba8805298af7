//! What is done with a phone.

use std::time::Duration;

use tokio::time::Instant;

use super::Hand;
use crate::demo::words::spaced;

/// From one key to the next: 100 ms each, and a gap.
const KEY: Duration = Duration::from_millis(160);

impl Hand<'_> {
    /// Does nothing for so long, or until the call is over.
    pub(in crate::demo) async fn listens(&mut self, time: Duration) -> anyhow::Result<()> {
        let until = Instant::now() + time;
        loop {
            tokio::select! {
                seen = self.next(), if !self.is_over() => drop(seen?),
                () = tokio::time::sleep_until(until) => return Ok(()),
            }
        }
    }

    /// Presses keys as a practised hand does.
    pub(in crate::demo) async fn keys(&mut self, keys: &str) -> anyhow::Result<()> {
        self.hear_end()?;
        self.screen.tell(self.who, &format!("keys {}", spaced(keys)))?;
        for key in keys.chars() {
            self.playing.clear();
            self.press(key);
            self.listens(KEY).await?;
        }
        Ok(())
    }

    pub(in crate::demo) fn press(&self, key: char) {
        self.phone.press(key);
    }

    /// Speaks in a tone, or is silent.
    pub(in crate::demo) fn voice(&self, hz: Option<u32>) {
        self.phone.voice(hz);
    }

    pub(in crate::demo) fn answers(&mut self) -> anyhow::Result<()> {
        self.screen.tell(self.who, "answers")?;
        self.answered = true;
        self.phone.answer();
        Ok(())
    }

    pub(in crate::demo) fn rejects(&mut self, code: u16, what: &str) -> anyhow::Result<()> {
        self.screen.tell(self.who, what)?;
        self.hung_up = true;
        self.phone.reject(code);
        Ok(())
    }

    pub(in crate::demo) fn hangs_up(&mut self) -> anyhow::Result<()> {
        self.hear_end()?;
        self.screen.tell(self.who, "hangs up")?;
        self.hung_up = true;
        self.phone.hang_up();
        Ok(())
    }
}
