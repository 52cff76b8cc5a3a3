#![no_main]

use std::cell::RefCell;

use zeq_byok_fuzz::Host;

thread_local! {
    static HOST: RefCell<Host> = RefCell::new(Host::fresh());
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| HOST.with_borrow_mut(|host| host.run(bytes)));
