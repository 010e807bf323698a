% rebase("page-layout", heading=say("checkin.title"), here="check-in")
<div class="door">
<h1>{{say("checkin.which")}}</h1>
% if not events:
<p>{{say("checkin.no-events")}}</p>
% end
<ul class="choice">
% for each in events:
  <li><a class="button" href="/operator/check-in?event={{each.name}}">{{each.title}}</a></li>
% end
</ul>
</div>
