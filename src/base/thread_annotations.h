// clang's thread-safety annotations; nothing with other compilers. `clang` preset: -Wthread-safety -Werror.
#pragma once

#if defined(__clang__)
#define VIGIL_ATTRIBUTE(x) __attribute__((x))
#else
#define VIGIL_ATTRIBUTE(x)
#endif

#define CAPABILITY(x) VIGIL_ATTRIBUTE(capability(x))
#define SCOPED_CAPABILITY VIGIL_ATTRIBUTE(scoped_lockable)
#define GUARDED_BY(x) VIGIL_ATTRIBUTE(guarded_by(x))
#define PT_GUARDED_BY(x) VIGIL_ATTRIBUTE(pt_guarded_by(x))
#define REQUIRES(...) VIGIL_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define ACQUIRE(...) VIGIL_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define TRY_ACQUIRE(...) VIGIL_ATTRIBUTE(try_acquire_capability(__VA_ARGS__))
#define RELEASE(...) VIGIL_ATTRIBUTE(release_capability(__VA_ARGS__))
#define EXCLUDES(...) VIGIL_ATTRIBUTE(locks_excluded(__VA_ARGS__))
#define ASSERT_CAPABILITY(x) VIGIL_ATTRIBUTE(assert_capability(x))
#define RETURN_CAPABILITY(x) VIGIL_ATTRIBUTE(lock_returned(x))
#define NO_THREAD_SAFETY_ANALYSIS VIGIL_ATTRIBUTE(no_thread_safety_analysis)
