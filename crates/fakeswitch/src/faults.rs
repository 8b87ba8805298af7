//! What goes wrong on demand.

use std::time::Duration;

/// Faults of the calls to come; none by default. A leg keeps those of the moment when it was made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults {
    /// What happens to the bytes of each connection to a controller.
    pub wire: Vec<WireFault>,
    /// What happens to each recording.
    pub recording: Option<RecordingFault>,
    /// It connects and says nothing, whatever the controller says.
    pub silent: bool,
}

/// A fault of a connection. `frame` counts from 0 what the switch sends on it: replies, events and
/// notices alike. 0 is the reply to `connect`. What a fault adds is not counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WireFault {
    /// The frame comes in two pieces.
    Split {
        /// Which frame.
        frame: usize,
        /// How long the first piece is; all of the frame if it is not longer.
        byte: usize,
        /// How much later the second piece comes.
        pause: Duration,
    },
    /// The connection is closed in the middle of the frame.
    Cut {
        /// Which frame.
        frame: usize,
        /// How many bytes of it are still sent.
        byte: usize,
    },
    /// The frame and all behind it come later.
    Delay {
        /// Which frame.
        frame: usize,
        /// How much later.
        by: Duration,
    },
    /// Something happens to the completion of an application.
    Completion {
        /// Which CHANNEL_EXECUTE_COMPLETE of the connection, from 0.
        nth: usize,
        /// What happens to it.
        fate: Fate,
    },
    /// Other channels' events come before the frame.
    Flood {
        /// Which frame.
        frame: usize,
        /// How many.
        events: usize,
    },
    /// The connection is reset before the frame.
    Disconnect {
        /// Which frame.
        frame: usize,
    },
}

/// What happens to a completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It comes so much later; what is sent meanwhile overtakes it.
    Late(Duration),
    /// It comes twice.
    Twice,
    /// It does not come.
    Never,
}

/// A fault of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordingFault {
    /// The file cannot be opened.
    CannotStart,
    /// The disk is full.
    DiskFull {
        /// How long the file can become, its header of 44 bytes included.
        after_bytes: u64,
    },
}
