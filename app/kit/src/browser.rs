//! What only the place that runs the page knows: new ids, from the browser's clock and chance or from the server's.

use uuid::Uuid;

/// A new id, sorted by time.
///
/// In the browser it comes from `Date.now` and `crypto.getRandomValues`, on the server from the service's clock. The
/// first render in the browser mints another one than the server: nothing may depend on which.
#[must_use]
pub fn new_id() -> Uuid {
    #[cfg(feature = "ssr")]
    {
        use leptos::prelude::use_context;
        let visit = use_context::<std::sync::Arc<crate::visit::Visit>>();
        visit
            .map(|visit| visit.service.clock().new_id())
            .unwrap_or_default()
    }
    #[cfg(not(feature = "ssr"))]
    {
        let mut random = [0_u8; 10];
        if let Some(crypto) = web_sys::window().and_then(|window| window.crypto().ok()) {
            // It fails only for more than 65,536 bytes.
            let _ = crypto.get_random_values_with_u8_array(&mut random);
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "milliseconds since 1970 are whole and positive"
        )]
        rapport_domain::id::uuid_v7(js_sys::Date::now() as u64, random)
    }
}

/// The name of the time zone that the browser is set to.
#[must_use]
pub fn time_zone() -> Option<String> {
    let options = js_sys::Intl::DateTimeFormat::default().resolved_options();
    js_sys::Reflect::get(&options, &"timeZone".into())
        .ok()?
        .as_string()
}
