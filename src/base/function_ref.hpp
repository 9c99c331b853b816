// A reference to a callable object, without a copy or an allocation. The object must outlive the
// reference, so it is for parameters: a lambda lives until the call that it is passed to returns.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

namespace ccproxy {

template <class Signature>
class FunctionRef;

template <class R, class... Args>
class FunctionRef<R(Args...)> {
 public:
  template <class F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, FunctionRef>)
      FunctionRef(F&& callee)  // NOLINT(google-explicit-constructor): passing a lambda is the use
      : callee_(const_cast<void*>(static_cast<const void*>(std::addressof(callee)))),
        call_([](void* target, Args... args) -> R {
          return (*static_cast<std::remove_reference_t<F>*>(target))(std::forward<Args>(args)...);
        }) {}

  R operator()(Args... args) const { return call_(callee_, std::forward<Args>(args)...); }

 private:
  void* callee_;
  R (*call_)(void*, Args...);
};

}  // namespace ccproxy
