// Threads of execution that give way only where they say so.
#pragma once

#pragma clang assume_nonnull begin

enum { FIBERS_MOST = 4 };

/// Lets fiber `index` (below FIBERS_MOST) begin with `body` when it is resumed next. What it did before is forgotten.
void fiber_prepare(int index, void (*body)(int index));
/// Runs a fiber until it gives way or ends. Called outside of fibers.
void fiber_resume(int index);
/// Gives way to whoever resumed this fiber.
void fiber_give_way(void);

#pragma clang assume_nonnull end
