//! The small picture of letters that stands for a person or a company.

use leptos::prelude::*;

/// The initials of a name: of its first and last word, or the first two letters of its only one.
#[must_use]
pub fn initials(name: &str) -> String {
    let mut words = name
        .split(|c: char| c.is_whitespace() || "-_/.,".contains(c))
        .filter_map(|word| {
            let mut letters = word.chars().filter(|c| c.is_alphanumeric());
            letters.next().map(|first| (first, letters.next()))
        });
    let Some((first, second)) = words.next() else {
        return "?".to_owned();
    };
    let other = words.next_back().map(|(first, _)| first).or(second);
    [Some(first), other]
        .into_iter()
        .flatten()
        .flat_map(char::to_uppercase)
        .collect()
}

/// The colour that a name always gets, `c0` to `c5`.
#[must_use]
pub fn tint(name: &str) -> &'static str {
    const TINTS: [&str; 6] = ["c0", "c1", "c2", "c3", "c4", "c5"];
    let hash = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    TINTS
        .get((hash >> 8) as usize % TINTS.len())
        .copied()
        .unwrap_or("c5")
}

/// The shape of an avatar.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Shape {
    /// A colleague.
    #[default]
    Round,
    /// A customer.
    Square,
    /// A customer at the head of a page.
    Large,
}

/// The classes of an avatar.
#[must_use]
pub fn avatar_class(name: &str, shape: Shape) -> String {
    let shape = match shape {
        Shape::Round => "ava ",
        Shape::Square => "ava sq ",
        Shape::Large => "ava l ",
    };
    [shape, tint(name)].concat()
}

/// Initials on a colour that goes with the name. The name itself always stands beside it.
#[component]
#[expect(clippy::needless_pass_by_value, reason = "a component owns what it is given")]
pub fn Avatar(
    /// Whose.
    #[prop(into)]
    name: String,
    /// Its shape.
    #[prop(optional)]
    shape: Shape,
) -> impl IntoView {
    let (class, letters) = (avatar_class(&name, shape), initials(&name));
    view! { <i class=class aria-hidden="true">{letters}</i> }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_come_from_the_first_and_last_word() {
        for (name, letters) in [
            ("Berglunds snabbköp", "BS"),
            ("Ana Trujillo Emparedados y helados", "AH"),
            ("Bon app'", "BA"),
            ("Königlich", "KÖ"),
            ("  ", "?"),
            ("", "?"),
            ("<b>", "B"),
            ("B's Beverages", "BB"),
            ("מרים", "מר"),
            ("ß", "SS"),
            ("7", "7"),
        ] {
            assert_eq!(initials(name), letters, "{name:?}");
        }
    }

    #[test]
    fn a_name_always_has_the_same_colour_and_names_differ() {
        assert_eq!(tint("Nadia Kovač"), tint("Nadia Kovač"));
        let tints: std::collections::BTreeSet<_> = ["a", "b", "c", "d", "e", "f", "g", "h"].map(tint).into();
        assert!(tints.len() > 3);
    }
}
