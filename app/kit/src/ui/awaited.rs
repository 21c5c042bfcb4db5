//! Drawing what has to be waited for.

use std::pin::Pin;

use leptos::prelude::*;

use super::skeleton::Skeleton;

/// Draws what has to be waited for: at first what stands in its place until then, and once something that it reads
/// changes, what it was before.
pub fn waiting<F>(until_then: fn() -> AnyView, draw: impl Fn() -> F + Send + 'static) -> AnyView
where
    F: Future<Output = AnyView> + Send + 'static,
{
    waiting_for_any(until_then, Box::new(move || Box::pin(draw())))
}

type Drawing = Pin<Box<dyn Future<Output = AnyView> + Send>>;

/// The same for all that is drawn, so that the program holds it once.
fn waiting_for_any(until_then: fn() -> AnyView, draw: Box<dyn Fn() -> Drawing + Send>) -> AnyView {
    let content = move || Suspend::new(draw());
    view! { <Transition fallback=until_then>{content}</Transition> }.into_any()
}

/// So many lines of a skeleton.
#[must_use]
pub fn bones<const LINES: usize>() -> AnyView {
    view! { <Skeleton lines=LINES/> }.into_any()
}

/// Nothing.
#[must_use]
pub fn nothing() -> AnyView {
    ().into_any()
}

/// Waits for what [`waiting`] draws; everything that it reads belongs in here.
///
/// On the server Leptos looks through the content of a `Suspense` to find what it waits for, and, where all of that is
/// there already, draws it to look, throws that away, and draws it again. Behind this it looks, and draws once.
pub async fn awaited<T>(read: impl IntoFuture<Output = T>) -> T {
    let read = read.await;
    #[cfg(feature = "ssr")]
    pause().await;
    read
}

/// Is not ready at the first look, whoever looks.
#[cfg(feature = "ssr")]
async fn pause() {
    use std::task::Poll;

    let mut was_looked_at = false;
    std::future::poll_fn(|look| {
        if std::mem::replace(&mut was_looked_at, true) {
            return Poll::Ready(());
        }
        look.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use std::{
        future::ready,
        pin::pin,
        task::{Context, Poll, Waker},
    };

    use super::*;

    #[test]
    fn what_is_there_already_is_not_ready_at_the_first_look() {
        let mut waits = pin!(awaited(ready(7)));
        let mut look = Context::from_waker(Waker::noop());
        assert_eq!(waits.as_mut().poll(&mut look), Poll::Pending);
        assert_eq!(waits.as_mut().poll(&mut look), Poll::Ready(7));
    }
}
