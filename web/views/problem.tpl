% heading = say(f"heading.{problem.code}")
% rebase("layout", heading=heading)
<h1>{{heading}}</h1>
<p class="lead">{{problem.detail(language)}}</p>
% if problem.status == 503:
<p>{{say("problem.soon")}}</p>
% end
% if get("back"):
<p class="again"><a href="{{back}}">{{say("problem.order")}}</a></p>
% end
<p class="again"><a href="/">{{say("problem.home")}}</a></p>
% if problem.code == "no-such-order":
<p class="again"><a href="/find">{{say("find.title")}}</a></p>
% end
