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
        .get(mixed(hash) as usize % TINTS.len())
        .copied()
        .unwrap_or("c5")
}

/// Every bit of the hash moves every bit of the result (the end of MurmurHash3): similar names get different colours.
fn mixed(mut hash: u32) -> u32 {
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
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
    use std::collections::{BTreeMap, BTreeSet};

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
        for team in [
            &["Nadia Kovač", "Tom Okafor", "Aiko Sato", "Lars Nyström"][..],
            &[
                "Ada Brandt",
                "Mats Lindqvist",
                "Mina Okafor",
                "Jonas Weber",
                "Lena Rossi",
            ],
        ] {
            let tints: BTreeSet<_> = team.iter().map(|name| tint(name)).collect();
            assert!(tints.len() > 3, "{team:?}: {tints:?}");
        }
    }

    #[test]
    fn similar_names_share_the_colours_evenly() {
        let mut shares = BTreeMap::<_, u32>::new();
        for number in 0..600 {
            *shares.entry(tint(&format!("Customer {number}"))).or_default() += 1;
        }
        assert!(
            shares.len() == 6 && shares.values().all(|share| (70..=130).contains(share)),
            "{shares:?}"
        );
    }
}
