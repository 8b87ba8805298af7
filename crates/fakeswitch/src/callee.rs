//! Who answers at a number.

use std::time::Duration;

use crate::{Phone, Script};

/// The voice of a machine that answers: that of whoever is called.
const MACHINE_HZ: u32 = 900;

/// What happens when a number is dialled.
#[derive(Debug, Clone)]
pub enum Callee {
    /// A script holds the phone.
    Script(Script),
    /// The network refuses with a SIP status of 300 or more; nothing rings.
    Refused(u16),
}

impl Callee {
    /// Rings for a second, answers and talks for so long, then hangs up.
    #[must_use]
    pub fn answers(talk: Duration) -> Self {
        Self::Script(
            Script::new().rings_for(Duration::from_secs(1)).answers().talks(talk).hangs_up(),
        )
    }

    /// Rings until the caller gives up.
    #[must_use]
    pub fn rings() -> Self {
        Self::Script(Script::new().rings())
    }

    /// Is busy (486).
    #[must_use]
    pub fn busy() -> Self {
        Self::Refused(486)
    }

    /// Refuses at once with a SIP status.
    #[must_use]
    pub fn rejects(code: u16) -> Self {
        Self::Refused(code)
    }

    /// There is no such number (404); so are all that nobody was set up for.
    #[must_use]
    pub fn unallocated() -> Self {
        Self::Refused(404)
    }

    /// Rings for so long, then a machine answers and speaks at once, for so long.
    #[must_use]
    pub fn voicemail(rings: Duration, speaks: Duration) -> Self {
        Self::Script(Script::new().rings_for(rings).answers().sings(MACHINE_HZ, speaks).hangs_up())
    }

    pub(crate) async fn hold(self, phone: Phone) {
        match self {
            Self::Script(script) => {
                // Whoever wants to know what it saw attends the number.
                let _ = script.run(phone).await;
            }
            Self::Refused(code) => {
                phone.reject(code);
                let mut phone = phone;
                while phone.next().await.is_some() {}
            }
        }
    }
}

impl From<Script> for Callee {
    fn from(script: Script) -> Self {
        Self::Script(script)
    }
}
