//! The tags of customers, as admins look after them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{customer::parse_tag, error::FieldErrors, form::Values};

/// Customers of a tag are counted up to so many.
pub const COUNTED: u64 = 1_000;

/// A tag that customers have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tag {
    /// Its name: also what tells it from others.
    pub name: String,
    /// How many customers have it, outside the trash, counted up to [`COUNTED`].
    pub customers: u64,
}

/// A tag that is to be called otherwise, or to go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retag {
    /// The tag.
    pub from: String,
    /// What it is called from now on; nothing when it goes.
    pub to: Option<String>,
}

impl Retag {
    /// Reads `tag` and `name`.
    ///
    /// # Errors
    /// A sentence for each wrong field.
    pub fn renaming(values: &Values) -> Result<Self, FieldErrors> {
        let name = parse_tag(values.get("name")).and_then(|name| {
            let sentence = "Please give the tag a name.".to_owned();
            if name.is_empty() { Err(sentence) } else { Ok(name) }
        });
        let mut errors = FieldErrors::default();
        let from = errors.take("tag", parse_tag(values.get("tag")));
        match (from, errors.take("name", name)) {
            (Some(from), Some(name)) => Ok(Self { from, to: Some(name) }),
            _ => Err(errors),
        }
    }

    /// Reads `tag`.
    ///
    /// # Errors
    /// A sentence for it.
    pub fn removing(values: &Values) -> Result<Self, FieldErrors> {
        let from = parse_tag(values.get("tag")).map_err(|sentence| FieldErrors::one("tag", sentence))?;
        Ok(Self { from, to: None })
    }

    /// The tags of a customer behind it. Where the new name is there already, however it is written, both become one.
    #[must_use]
    pub fn of(&self, tags: &[String]) -> Vec<String> {
        let mut seen = BTreeSet::new();
        let renamed = tags.iter().filter_map(|tag| match tag == &self.from {
            true => self.to.clone(),
            false => Some(tag.clone()),
        });
        renamed.filter(|tag| seen.insert(tag.to_lowercase())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(tags: &[&str], from: &str, to: Option<&str>) -> Vec<String> {
        let retag = Retag {
            from: from.to_owned(),
            to: to.map(str::to_owned),
        };
        retag.of(&tags.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn a_tag_is_renamed_in_its_place_merged_or_taken_away() {
        assert_eq!(of(&["a", "vip", "b"], "vip", Some("key")), ["a", "key", "b"]);
        assert_eq!(of(&["a", "vip", "Key"], "vip", Some("key")), ["a", "key"]);
        assert_eq!(of(&["vip"], "vip", Some("VIP")), ["VIP"]);
        assert_eq!(of(&["a", "vip"], "vip", None), ["a"]);
        assert_eq!(of(&["a"], "vip", None), ["a"]);
    }

    #[test]
    fn a_new_name_is_a_tag() {
        let renaming = |name: &str| Retag::renaming(&Values::default().with("tag", "vip").with("name", name));
        assert_eq!(
            renaming(" Key account ").unwrap().to.as_deref(),
            Some("Key account")
        );
        for wrong in ["", "  ", "a,b", "a\nb", &"x".repeat(200)] {
            assert!(renaming(wrong).is_err(), "{wrong:?}");
        }
    }
}
