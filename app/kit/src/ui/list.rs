//! Moving through a list by key: the one rule that the palette, the comboboxes and the table share.

/// The place after a key: up and down stop at the ends, Home and End jump. None when the key moves nothing.
#[must_use]
pub fn step(at: Option<usize>, len: usize, key: &str) -> Option<usize> {
    let last = len.checked_sub(1)?;
    match key {
        "ArrowDown" | "j" => Some(at.map_or(0, |at| (at + 1).min(last))),
        "ArrowUp" | "k" => Some(at.map_or(last, |at| at.saturating_sub(1).min(last))),
        "Home" => Some(0),
        "End" => Some(last),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::step;

    #[test]
    fn keys_move_and_stop_at_the_ends() {
        for (at, len, key, place) in [
            (None, 3, "ArrowDown", Some(0)),
            (None, 3, "ArrowUp", Some(2)),
            (Some(0), 3, "j", Some(1)),
            (Some(2), 3, "ArrowDown", Some(2)),
            (Some(0), 3, "k", Some(0)),
            (Some(9), 3, "ArrowUp", Some(2)),
            (Some(1), 3, "End", Some(2)),
            (Some(1), 3, "x", None),
            (None, 0, "ArrowDown", None),
        ] {
            assert_eq!(step(at, len, key), place, "{at:?} {len} {key}");
        }
    }
}
