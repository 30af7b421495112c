// Node 20 lacks two Promise helpers that the libp2p packages use.
Promise.withResolvers ??= function withResolvers () {
  let resolve, reject
  const promise = new Promise((res, rej) => { resolve = res; reject = rej })
  return { promise, resolve, reject }
}
Promise.try ??= function (fn, ...args) {
  return new Promise((resolve) => resolve(fn(...args)))
}
