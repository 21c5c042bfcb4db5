//! What a browser sends along.

use http::{HeaderMap, HeaderValue, header::COOKIE};
use kit::cookie;

/// Any header is a header with a session in it, or none; the session of a header that we would set is found in it
/// again, whatever stands before it; and the message of a form, if there is one, can be written again.
pub fn session(header: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(header) else {
        return;
    };
    for secure in [true, false] {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, value.clone());
        let name = cookie::session_name(secure);
        let found = cookie::read(&headers, name).map(str::to_owned);
        if let Some(found) = &found {
            assert!(!found.contains(';'), "{found}");
        }
        headers.append(
            COOKIE,
            HeaderValue::from_static("__Host-rapport=mine; rapport-loopback=mine"),
        );
        let now = cookie::read(&headers, name).map(str::to_owned);
        assert_eq!(now, found.or_else(|| Some("mine".to_owned())));
        if let Some(flash) = cookie::read_flash(&headers, secure) {
            let written = cookie::flash(secure, &flash);
            let mut again = HeaderMap::new();
            let pair = written.to_str().unwrap().split(';').next().unwrap();
            again.append(COOKIE, HeaderValue::from_str(pair).unwrap());
            let again = cookie::read_flash(&again, secure).unwrap();
            // Where to go back to is left out when it would be too long.
            assert_eq!((again.said, again.undo), (flash.said, flash.undo), "{pair}");
        }
    }
}
