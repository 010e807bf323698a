% rebase("layout", heading=say("docs.title"), sheets=["docs.css"])
<h1>{{say("docs.heading")}}</h1>
<p class="lead">{{say("docs.lead")}}</p>
<p>{{say("docs.once")}}</p>
<p>{{say("docs.machines")}} <a href="/openapi.json"><code>/openapi.json</code></a></p>
<h2 id="try">{{say("docs.try")}}</h2>
<p>{{say("docs.variables")}}</p>
<pre tabindex="0" role="region" aria-label="{{say("docs.try")}}"><code>BOX={{box}}
ORDER=…   # {{say("docs.order")}}
HOLD=…    # {{say("docs.hold")}}
TOKEN=…   # {{say("docs.token")}}
SECRET=…  # {{say("docs.secret")}}</code></pre>
{{!reference}}
