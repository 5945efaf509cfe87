// A page opened as a file may not start a Worker: the search then runs in a hidden frame.
if (location.protocol === "file:") window.Worker = class extends EventTarget {
  constructor(url) {
    super()
    this.frame = document.body.appendChild(Object.assign(document.createElement("iframe"), {hidden: true}))
    const inside = this.frame.contentWindow
    addEventListener("message", e => e.source === inside && this.dispatchEvent(new MessageEvent("message", {data: e.data})))
    inside.document.open()
    inside.document.write(`<body><script>
      postMessage = data => parent.postMessage(data, "*")
      importScripts = (...urls) => urls.reduce((before, src) => before.then(() => new Promise(onload =>
        document.body.appendChild(Object.assign(document.createElement("script"), {src, onload})))), Promise.resolve())
      <\/script><script src="${url}"><\/script></body>`)
    inside.document.close()
    this.ready = new Promise(done => { inside.onload = done })
  }
  postMessage(data) { this.ready.then(() => this.frame.contentWindow.dispatchEvent(new MessageEvent("message", {data}))) }
  terminate() { this.frame.remove() }
}
