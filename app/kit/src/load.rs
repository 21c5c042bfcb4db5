//! What pages read: by the server while it draws the page, which hands it to the browser with the page, and by the
//! browser whenever something else is asked for.
//!
//! All that Leptos needs for this it makes for each type anew. Here it is made once, for what is read of any type.

use std::{
    any::Any,
    convert::Infallible,
    marker::PhantomData,
    pin::Pin,
    sync::{Arc, OnceLock},
};

use leptos::{
    prelude::*,
    server::codee::{Decoder, Encoder},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::api::{Answer, Fault};

/// What can be read.
pub trait Readable: Clone + Serialize + DeserializeOwned + Send + Sync + 'static {}

impl<T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static> Readable for T {}

/// Something that is read.
pub struct Loaded<T> {
    kept: Resource<Kept, OnPage>,
    what: PhantomData<fn() -> T>,
}

impl<T> Clone for Loaded<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Loaded<T> {}

impl<T: Readable> Loaded<T> {
    /// Reads it for what is asked for, and again whenever that has become something else.
    pub fn new<A, F>(
        asked: impl Fn() -> A + Send + Sync + 'static,
        read: impl Fn(A) -> F + Send + Sync + 'static,
    ) -> Self
    where
        A: Clone + PartialEq + Send + Sync + 'static,
        F: Future<Output = Answer<T>> + Send + 'static,
    {
        Self {
            kept: keep(
                Box::new(move || Asked(Arc::new(asked()))),
                Box::new(move |asked| {
                    let reading = asked.0.as_any().downcast_ref::<A>().cloned().map(&read);
                    Box::pin(async move {
                        Kept::read(match reading {
                            Some(reading) => reading.await,
                            // Never: `asked` gives no other type.
                            None => Err(Fault::Offline),
                        })
                    })
                }),
            ),
            what: PhantomData,
        }
    }

    /// What was read, if it was; whoever asks in an effect is told of it.
    #[must_use]
    pub fn get(self) -> Option<Answer<T>> {
        self.kept.get().map(Kept::told)
    }

    /// Is told when something else was read.
    pub fn track(self) {
        self.kept.track();
    }
}

impl<T: Readable> IntoFuture for Loaded<T> {
    type Output = Answer<T>;
    type IntoFuture = Pin<Box<dyn Future<Output = Answer<T>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.kept.await.told() })
    }
}

type Reading = Pin<Box<dyn Future<Output = Kept> + Send>>;

fn keep(
    asked: Box<dyn Fn() -> Asked + Send + Sync>,
    read: Box<dyn Fn(Asked) -> Reading + Send + Sync>,
) -> Resource<Kept, OnPage> {
    Resource::new_with_options(asked, read, false)
}

/// What was asked for, to be held against what is asked for later.
#[derive(Clone)]
struct Asked(Arc<dyn Alike>);

impl PartialEq for Asked {
    fn eq(&self, other: &Self) -> bool {
        self.0.is_like(other.0.as_any())
    }
}

trait Alike: Send + Sync {
    fn is_like(&self, other: &dyn Any) -> bool;
    fn as_any(&self) -> &dyn Any;
}

impl<A: PartialEq + Send + Sync + 'static> Alike for A {
    fn is_like(&self, other: &dyn Any) -> bool {
        other.downcast_ref() == Some(self)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// What is an `Answer` of some type.
type AnyAnswer = Arc<dyn Any + Send + Sync>;

/// An answer, kept.
#[derive(Clone)]
enum Kept {
    /// As it was read, with what writes it on the page.
    Read(AnyAnswer, fn(&dyn Any) -> String),
    /// As it stood on the page, and what that says, once somebody asked.
    Written(Arc<(Box<str>, OnceLock<AnyAnswer>)>),
}

impl Kept {
    fn read<T: Readable>(answer: Answer<T>) -> Self {
        Self::Read(Arc::new(answer), write::<T>)
    }

    fn told<T: Readable>(self) -> Answer<T> {
        let answer = match &self {
            Self::Read(answer, _) => answer,
            Self::Written(written) => {
                let (text, told) = &**written;
                told.get_or_init(|| {
                    Arc::new(serde_json::from_str::<Answer<T>>(text).unwrap_or(Err(Fault::Offline)))
                })
            }
        };
        // What it was made of, it is made into: a page and its program are of one build.
        let told = answer.downcast_ref::<Answer<T>>().cloned();
        told.unwrap_or(Err(Fault::Offline))
    }
}

/// The browser writes nothing on pages, and its program leaves out what would.
fn write<T: Readable>(answer: &dyn Any) -> String {
    if cfg!(not(feature = "ssr")) {
        return String::new();
    }
    let answer = answer.downcast_ref::<Answer<T>>();
    // What a server function answers with can be written.
    answer
        .and_then(|answer| serde_json::to_string(answer).ok())
        .unwrap_or_default()
}

/// How an answer stands on the page.
struct OnPage;

impl Encoder<Kept> for OnPage {
    type Error = Infallible;
    type Encoded = String;

    fn encode(kept: &Kept) -> Result<String, Infallible> {
        Ok(match kept {
            Kept::Read(answer, write) => write(&**answer),
            Kept::Written(written) => written.0.to_string(),
        })
    }
}

impl Decoder<Kept> for OnPage {
    type Error = Infallible;
    type Encoded = str;

    fn decode(text: &str) -> Result<Kept, Infallible> {
        Ok(Kept::Written(Arc::new((text.into(), OnceLock::new()))))
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use rapport_domain::error::AppError;

    use super::*;

    #[test]
    fn an_answer_stands_on_the_page_as_it_was_read() {
        for answer in [Ok(vec!["Ada".to_owned()]), Err(Fault::Told(AppError::NotFound))] {
            let read = Kept::read(answer.clone());
            let text = OnPage::encode(&read).unwrap();
            assert_eq!(text, serde_json::to_string(&answer).unwrap());
            let written = OnPage::decode(&text).unwrap();
            assert_eq!(OnPage::encode(&written).unwrap(), text);
            assert_eq!(read.told::<Vec<String>>(), answer);
            assert_eq!(written.clone().told::<Vec<String>>(), answer);
            assert_eq!(written.told::<Vec<String>>(), answer);
        }
    }

    #[test]
    fn what_is_no_such_answer_is_a_fault() {
        let read = Kept::read(Ok(7_u32));
        assert_eq!(read.told::<String>(), Err(Fault::Offline));
        let written = OnPage::decode("{").unwrap();
        assert_eq!(written.told::<String>(), Err(Fault::Offline));
    }

    #[test]
    fn something_else_is_asked_for_when_value_or_type_differ() {
        let asked = |what: Arc<dyn Alike>| Asked(what);
        assert!(asked(Arc::new(7_u32)) == asked(Arc::new(7_u32)));
        assert!(asked(Arc::new(7_u32)) != asked(Arc::new(8_u32)));
        assert!(asked(Arc::new(7_u32)) != asked(Arc::new(7_u64)));
    }
}
