% heading = say(f"heading.{problem.code}")
% rebase("page-layout", heading=heading, here="")
<div class="narrow">
<h1>{{heading}}</h1>
<p class="notice bad" role="alert">{{problem.detail(language)}}</p>
<p><a href="{{visit.access.home if visit else "/operator"}}">{{say("operators.back-door" if visit and visit.access.is_door else "operators.back")}}</a></p>
</div>
