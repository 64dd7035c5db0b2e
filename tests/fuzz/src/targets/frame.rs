//! Frames of the control and the app channel: what decodes is spelled as it would be encoded.

use connectoid_protocol::frame::{App, Control};

pub(super) fn run(frame: &[u8]) {
    if let Ok(Some(control)) = Control::decode(frame) {
        assert_eq!(control.encode(), frame);
    }
    if let Ok(Some(app)) = App::decode(frame) {
        assert_eq!(app.encode(), frame);
    }
}
