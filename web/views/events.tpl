% rebase("layout", heading=say("events.title"))
<h1>{{say("events.heading")}}</h1>
% if stale:
<p class="notice stale">{{stale}}</p>
% end
<ul class="events">
% for row in rows:
<li>
  <h2><a href="/?event={{row.name}}">{{row.event.title}}</a></h2>
% include("where", event=row.event)
  <p class="left{{" few" if row.few else ""}}">{{row.left}}</p>
</li>
% end
</ul>
<nav class="ways" aria-label="{{say("sale.ways")}}"><a href="/find">{{say("find.title")}}</a></nav>
