//! The sound of a call, as FreeSWITCH tells of it.

use tracing::error;

use super::Driver;
use crate::alarm::Alarm;

/// So the dialplan ends a call whose called side was answered with other media than it sends and
/// expects them (freeswitch-conf/dialplan.xml, `media`), and FreeSWITCH one without any.
const NO_MEDIA: &str = "INCOMPATIBLE_DESTINATION";

impl Driver {
    /// The caller's leg is down: was it for its media?
    pub(super) fn look_at_media(&mut self) {
        if self.talked() && self.hangup_cause.as_deref() == Some(NO_MEDIA) {
            let problem = "the call was ended at its answer: media do not go where the called \
                           side's answer wants them, and a re-INVITE did not mend that";
            error!("{problem}");
            let call = self.history.id.to_string();
            self.app.alarm.raise(Alarm::Media { call, problem: problem.to_owned() });
        }
    }
}
