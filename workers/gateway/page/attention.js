// Whether anybody can see the page.

export function untilVisible(signal) {
  return new Promise((resolve) => {
    const watched = new AbortController();
    const look = () => {
      if (document.hidden && !signal.aborted) return;
      watched.abort();
      resolve();
    };
    document.addEventListener("visibilitychange", look, { signal: watched.signal });
    signal.addEventListener("abort", look, { signal: watched.signal });
    look();
  });
}

// A signal that aborts once the page has been hidden for so long; it is watched until `over` aborts.
export function hiddenFor(ms, over) {
  const controller = new AbortController();
  let timer = 0;
  const look = () => {
    clearTimeout(timer);
    timer = document.hidden ? setTimeout(() => controller.abort(), ms) : 0;
  };
  document.addEventListener("visibilitychange", look, { signal: over });
  over.addEventListener("abort", () => clearTimeout(timer), { once: true });
  look();
  return controller.signal;
}

// Calls now and again while somebody can see the page, until `signal` aborts; what fails is tried anew.
export function repeat(ms, signal, call) {
  let busy = false;
  const timer = setInterval(async () => {
    if (document.hidden || busy) return;
    busy = true;
    try {
      await call();
    } catch {
      // What is shown stays until the next call brings something.
    } finally {
      busy = false;
    }
  }, ms);
  signal.addEventListener("abort", () => clearInterval(timer), { once: true });
}
