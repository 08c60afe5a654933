// A tab outlives its server, or its connection. Streamlit asks for nothing when it is connected again, and a server that
// was started anew knows none of the widgets: the first that it hears of one would be lost. So the tab asks for its page
// at once, as the first thing; all else that the visitor does waits until the page has come.

const LONGEST = 20_000; // ms that anything waits: a page that fails never says that it is there
const PACE = 100; // ms from one message that waited to the next, so that none overtakes the one before

class Tab {
  constructor() {
    this.here = true; // the server knows the page
    this.asking = this.asked = false; // for the page, since the connection came back
    this.moved = false; // to another address, which the server has not answered
    this.waiting = []; // what is to be done once it does
    this.last = null; // what it was sent and has not answered
    this.listen();
  }

  listen() {
    const tab = this, { send } = WebSocket.prototype;
    WebSocket.prototype.send = function (message) {
      const now = () => send.call(this, message);
      if (this.url.includes("/_stcore/stream")) tab.send(this, message, now);
      else now();
    };
    this.now = (message) => this.socket?.readyState === WebSocket.OPEN && send.call(this.socket, message);
    addEventListener("popstate", () => {
      this.moved = true;
      setTimeout(() => { this.last = null; }); // the address says it all
    });
    new MutationObserver(() => this.watch()).observe(document.body, {
      subtree: true, attributes: true, attributeFilter: ["data-test-connection-state"],
    });
  }

  send(socket, message, now) {
    if (this.socket !== socket) {
      this.socket = socket;
      socket.addEventListener("message", () => this.hear());
    }
    if (this.here) {
      this.last = message;
      now();
    } else if (this.asking) {
      this.asking = false;
      this.asked = true;
      now();
    } else if (this.asked) {
      this.waiting.push(() => this.now(message));
    } // else Streamlit asks by itself for what the tab is about to ask for
  }

  hear() {
    this.last = null;
    if (this.here) this.moved = false;
  }

  watch() {
    const connected = document.querySelector("[data-testid=stApp]")?.dataset.testConnectionState === "CONNECTED";
    if (!connected && (this.here || this.asked || this.asking)) this.leave();
    else if (connected && !this.here && !this.asked && !this.asking) this.ask();
  }

  leave() {
    const { last } = this, { search } = location;
    // a value in it is asked for with the page; then the address is another, and this one would bring the old one back
    if (last) this.waiting.unshift(() => location.search === search && this.now(last));
    clearTimeout(this.patience);
    this.last = null;
    this.here = this.asking = this.asked = false;
  }

  ask() {
    this.asking = true;
    this.tellServer("back", this.moved ? "moved" : "stayed");
    this.patience = setTimeout(() => {
      this.asked = true;
      this.arrive();
    }, LONGEST);
  }

  // The page has come: its last part calls this.
  show({ run, most, longest }, tellServer) {
    this.tellServer = tellServer;
    if (!this.run) this.admit(most, longest);
    const answered = run !== this.run;
    this.run = run;
    if (answered && this.asked) this.arrive();
  }

  // Streamlit takes a link of too many parts for none; only the browser knows that there was one.
  admit(most, longest) {
    const [{ name } = {}] = performance.getEntriesByType("navigation");
    const search = name ? new URL(name).search.slice(1) : "", parts = search.split("&").length;
    if (parts > most || search.length > longest) this.tellServer("long", parts);
  }

  async arrive() {
    clearTimeout(this.patience);
    while (this.asked && this.waiting.length) {
      this.waiting.shift()();
      await new Promise((done) => setTimeout(done, PACE));
    }
    if (!this.asked) return; // gone again
    this.here = true;
    this.moved = this.asked = false;
  }

  // For a component: tell the server now, or as soon as it is there.
  tell(act) {
    if (this.here) act();
    else this.waiting.push(act);
  }

  // Whether what is shown counts, and not what a server says that comes back.
  get keeps() {
    return !this.here && !this.moved;
  }
}

export const tab = (window.gateTab ??= new Tab());

export default function ({ data, setTriggerValue }) {
  if (data) tab.show(data, setTriggerValue);
}
