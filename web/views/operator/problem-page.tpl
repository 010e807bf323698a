% heading = say(f"heading.{problem.code}")
% rebase("page-layout", heading=heading, here="")
<div class="narrow">
<h1>{{heading}}</h1>
<p class="notice bad" role="alert">{{problem.detail(language)}}</p>
<p><a href="/operator">{{say("operators.back")}}</a></p>
</div>
