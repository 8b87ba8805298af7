//! Events that are none of the connection's.

use uuid::Uuid;

/// So many events, one after another: of the whole switch, and of a channel that the controller has
/// never heard of. It ends applications and presses keys there.
pub(super) fn events(count: usize) -> Vec<u8> {
    let stranger = Uuid::new_v4();
    let mut events = Vec::new();
    for number in 0..count {
        let body = match number % 3 {
            0 => format!(
                "Event-Name: HEARTBEAT\nEvent-Info: System%20Ready\nSession-Count: {count}\n\n"
            ),
            1 => format!(
                "Event-Name: CHANNEL_EXECUTE_COMPLETE\nUnique-ID: {stranger}\n\
                 Application: playback\nApplication-Data: silence_stream%3A//20\n\
                 Application-Response: FILE%20PLAYED\nApplication-UUID: {}\n\n",
                Uuid::new_v4()
            ),
            _ => format!(
                "Event-Name: DTMF\nUnique-ID: {stranger}\nDTMF-Digit: 5\n\
                 DTMF-Duration: 800\nDTMF-Source: RTP\n\n"
            ),
        };
        events.extend(
            format!("Content-Length: {}\nContent-Type: text/event-plain\n\n", body.len())
                .into_bytes(),
        );
        events.extend(body.into_bytes());
    }
    events
}
