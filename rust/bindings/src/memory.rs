//! Large matrices in mappings of their own.
//!
//! A run allocates and frees matrices of many sizes on several threads. The C library's heaps
//! fragment under that: an abelian run with 3500 kept states held 218 MB at its peak with 80 MB
//! alive. Blocks of 2 MiB and more therefore come from the kernel directly and go back to it,
//! which brought the peak to 127 MB; smaller ones, and everything outside this library, are left
//! to the system allocator. The kernel is asked for huge pages: with small ones a spectrum spent a
//! fifth of its time in page faults.

use std::alloc::{GlobalAlloc, Layout, System};

const LARGE: usize = 2 << 20;
const PAGE: usize = 4096;

/// The allocator of this extension module.
pub(crate) struct Mapped;

fn is_mapped(layout: &Layout) -> bool {
    cfg!(target_os = "linux") && layout.size() >= LARGE && layout.align() <= PAGE
}

// SAFETY: `alloc` and `dealloc` make the same choice, because both see the same layout (the
// default `realloc` allocates, copies and frees, each with its own layout). A private anonymous
// mapping is page-aligned, at least as long as asked for, zeroed, and not shared.
unsafe impl GlobalAlloc for Mapped {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if !is_mapped(&layout) {
            // SAFETY: the caller's contract is passed on.
            return unsafe { System.alloc(layout) };
        }
        // SAFETY: no address is requested and no file is involved.
        let address = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                layout.size(),
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        if address == libc::MAP_FAILED {
            return std::ptr::null_mut();
        }
        // SAFETY: the range was just mapped. It is advice: that it cannot be followed is no error.
        #[cfg(target_os = "linux")]
        unsafe {
            libc::madvise(address, layout.size(), libc::MADV_HUGEPAGE);
        }
        address.cast()
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if is_mapped(&layout) {
            // SAFETY: as above; a fresh mapping is zero.
            unsafe { self.alloc(layout) }
        } else {
            // SAFETY: the caller's contract is passed on.
            unsafe { System.alloc_zeroed(layout) }
        }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        if is_mapped(&layout) {
            // SAFETY: `alloc` mapped exactly this range for this layout.
            unsafe { libc::munmap(pointer.cast(), layout.size()) };
        } else {
            // SAFETY: it came from the system allocator.
            unsafe { System.dealloc(pointer, layout) };
        }
    }
}
